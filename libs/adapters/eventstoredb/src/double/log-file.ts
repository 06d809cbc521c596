import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Placed, Proposed } from './log-record.ts';

type StoredRecord = Omit<Proposed, 'data' | 'metadata'> & {
  readonly stream: string;
  readonly revision: string;
  readonly data: string;
  readonly metadata: string;
};
type StoredCommit = { readonly createdMs: number; readonly records: readonly StoredRecord[] };

export type ReadCommit = { readonly createdMs: number; readonly records: readonly Placed[] };

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');

/**
 * A log on disk, one commit a line. It survives a kill of its process, as what was written is with the kernel; it is not
 * fsynced and survives no power cut. A last line that was cut short is dropped: nobody was told of that commit.
 */
export class LogFile {
  readonly #fd: number;
  readonly #commits: ReadCommit[] = [];

  constructor(path: string) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    this.#fd = openSync(path, 'a');
    ftruncateSync(this.#fd, Buffer.byteLength(whole));
    for (const line of whole.split('\n')) if (line !== '') this.#commits.push(readLine(line));
  }

  /** Commits that were there when it was opened; they are let go. */
  commits(): readonly ReadCommit[] {
    return this.#commits.splice(0);
  }

  write(createdMs: number, events: readonly Placed[]): void {
    const records = events.map((e) => ({
      ...e,
      revision: String(e.revision),
      data: base64(e.data),
      metadata: base64(e.metadata),
    }));
    const commit: StoredCommit = { createdMs, records };
    writeSync(this.#fd, `${JSON.stringify(commit)}\n`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function readLine(line: string): ReadCommit {
  const { createdMs, records } = JSON.parse(line) as StoredCommit;
  return {
    createdMs,
    records: records.map((r) => ({
      ...r,
      revision: BigInt(r.revision),
      data: Uint8Array.from(Buffer.from(r.data, 'base64')),
      metadata: Uint8Array.from(Buffer.from(r.metadata, 'base64')),
    })),
  };
}
