import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@maestro/ports';
import { JsonLinesFile, readJsonLines } from './json-lines.ts';
import { EXPORT_FILES } from './export-manifest.ts';

/** Where the bytes of one digest lie in an export, and how they were kept. */
export type EvidenceLine = {
  /** 64 hex: SHA-256 of the bytes */
  readonly digest: string;
  /** path within the export */
  readonly file: string;
  /** bytes */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly held: boolean;
  /** RFC 3339, or null */
  readonly retainUntil: string | null;
};

type OpenFile = { readonly name: string; readonly handle: FileHandle; sizeBytes: number };

/** A file takes no further item once it is so large. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Writes evidence into numbered files, one item behind the other, and what lies where into `evidence.jsonl`. */
export class EvidenceFilesWriter {
  readonly #folder: string;
  readonly #index: JsonLinesFile;
  #file: OpenFile | undefined;
  #fileCount = 0;
  items = 0;
  sizeBytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#index = new JsonLinesFile(join(folder, EXPORT_FILES.evidence));
  }

  async add(item: Pick<EvidenceLine, 'digest' | 'held' | 'retainUntil'>, bytes: Uint8Array): Promise<void> {
    const file = this.#file ?? (await this.#next());
    const line: EvidenceLine = { digest: item.digest, file: file.name, offset: file.sizeBytes, sizeBytes: bytes.length, held: item.held, retainUntil: item.retainUntil };
    await file.handle.writeFile(bytes);
    file.sizeBytes += bytes.length;
    await this.#index.write(line);
    this.items += 1;
    this.sizeBytes += bytes.length;
    if (file.sizeBytes >= FILE_BYTES_MAX) await this.#endFile();
  }

  async close(): Promise<void> {
    await this.#endFile();
    await this.#index.close();
  }

  async #next(): Promise<OpenFile> {
    await mkdir(join(this.#folder, 'evidence'), { recursive: true, mode: 0o700 });
    this.#fileCount += 1;
    const name = `evidence/${String(this.#fileCount).padStart(6, '0')}.bin`;
    this.#file = { name, handle: await open(join(this.#folder, name), 'wx', 0o600), sizeBytes: 0 };
    return this.#file;
  }

  async #endFile(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }
}

/** What `evidence.jsonl` says. Errors: a line that is none. */
export function readEvidenceLines(folder: string): AsyncGenerator<EvidenceLine> {
  return readJsonLines(join(folder, EXPORT_FILES.evidence), (line) => {
    const { digest, file, offset, sizeBytes, held, retainUntil } = line as Partial<EvidenceLine>;
    const isItem = /^[0-9a-f]{64}$/.test(String(digest)) && /^evidence\/\d{6,}\.bin$/.test(String(file)) && Number.isSafeInteger(offset) && Number.isSafeInteger(sizeBytes) && typeof held === 'boolean';
    if (!isItem || !(retainUntil === null || typeof retainUntil === 'string')) throw new SyntaxError('a line is no item of evidence');
    return line as EvidenceLine;
  });
}

/** The bytes of an item, with their digest. Fault EXPORT_DAMAGED. */
export async function readEvidenceItem(folder: string, { digest, file, offset, sizeBytes }: EvidenceLine): Promise<Uint8Array> {
  const handle = await open(join(folder, file), 'r');
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(sizeBytes, Math.max(0, size - offset)));
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    if (bytes.length === sizeBytes && createHash('sha256').update(bytes).digest('hex') === digest) return bytes;
  } finally {
    await handle.close();
  }
  throw new Fault('EXPORT_DAMAGED', `${join(folder, file)} does not hold the evidence ${digest} at offset ${offset}; make the export again`);
}
