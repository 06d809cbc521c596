import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@maestro/ports';
import type { EvidenceHead } from '@maestro/ports';
import { PRIVATE_FILE, SEALED_FILE, clearStaging, errnoOf, makeFolder, syncFolder, writeAll, writeOnce } from '../disk.ts';
import { digestInSlices } from '../byte-slices.ts';
import type { Disk } from '../disk.ts';
import { fileNameOf } from './evidence-key.ts';

/** Evidence in files of its own, one per key, and the markers of holds. */
export class EvidenceFiles {
  readonly #disk: Disk;
  readonly #folder: string;

  /** `folder` gets `files/`, `retain/`, `holds/` and `staging/`. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** Makes the folders and removes drafts of a crashed process. */
  async prepare(): Promise<void> {
    for (const name of ['files', 'retain', 'holds', 'staging']) await makeFolder(this.#disk, join(this.#folder, name));
    await clearStaging(this.#disk, join(this.#folder, 'staging'));
  }

  /** Whether a key has a file. Synchronous: asked for every item of a batch, and a look into the name cache is ~3 µs. */
  has(key: string): boolean {
    return existsSync(this.#path('files', key));
  }

  /** Durable. EVIDENCE_EXISTS when the key holds other bytes. */
  async put(key: string, bytes: Uint8Array, digest: string, retainUntil: string | null): Promise<void> {
    if (retainUntil !== null && !this.has(key)) await this.#writeRetention(key, `${digest} ${retainUntil}`);
    const written = await writeOnce(this.#disk, join(this.#folder, 'staging'), this.#path('files', key), bytes, SEALED_FILE);
    if (!written) await this.assertSame(key, digest);
  }

  /** EVIDENCE_EXISTS unless the file of this key holds bytes of this digest. */
  async assertSame(key: string, digest: string): Promise<void> {
    const stored = await this.#read(key);
    if (stored === undefined || (await digestInSlices(stored)) !== digest) throw evidenceExists(key);
  }

  /** Undefined: no such file. EVIDENCE_DAMAGED: its bytes are not those of the digest. */
  async get(key: string, digest: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(key);
    if (bytes !== undefined && (await digestInSlices(bytes)) !== digest) throw evidenceDamaged(this.#path('files', key), 0, digest);
    return bytes;
  }

  /** Of the bytes as they are; undefined: no such file. */
  async digestOf(key: string): Promise<string | undefined> {
    const bytes = await this.#read(key);
    return bytes === undefined ? undefined : digestInSlices(bytes);
  }

  async head(key: string, digest: string): Promise<Omit<EvidenceHead, 'held'> | null> {
    const bytes = await this.get(key, digest);
    if (bytes === undefined) return null;
    const retention = (await this.#readText(this.#path('retain', key)))?.split(' ');
    // A note for other bytes was left by a put that never finished.
    const retainUntil = retention?.[0] === digest ? (retention[1] ?? null) : null;
    return { digest, sizeBytes: bytes.length, retainUntil };
  }

  /** Durable and idempotent. */
  async setHold(location: string, on: boolean): Promise<void> {
    const path = this.#holdPath(location);
    try {
      if (on) await (await this.#disk.open(path, 'a', PRIVATE_FILE)).close();
      else await this.#disk.unlink(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    await syncFolder(this.#disk, join(this.#folder, 'holds'));
  }

  isHeld(location: string): boolean {
    return existsSync(this.#holdPath(location));
  }

  async #writeRetention(key: string, note: string): Promise<void> {
    const draft = join(this.#folder, 'staging', `retain-${fileNameOf(key)}`);
    const handle = await this.#disk.open(draft, 'w', PRIVATE_FILE);
    try {
      await writeAll(handle, Buffer.from(note), 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await this.#disk.rename(draft, this.#path('retain', key));
    await syncFolder(this.#disk, join(this.#folder, 'retain'));
  }

  async #read(key: string): Promise<Buffer | undefined> {
    try {
      return await this.#disk.readFile(this.#path('files', key));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #readText(path: string): Promise<string | undefined> {
    return existsSync(path) ? this.#disk.readFile(path, 'utf8') : undefined;
  }

  #path(folder: 'files' | 'retain', key: string): string {
    return join(this.#folder, folder, fileNameOf(key));
  }

  #holdPath(location: string): string {
    return join(this.#folder, 'holds', fileNameOf(location).replaceAll(':', '='));
  }
}

/** Other bytes are stored under this key. */
export function evidenceExists(key: string): Fault {
  return new Fault('EVIDENCE_EXISTS', `other bytes are stored under ${key}; evidence is write-once, use a new key`);
}

/** Names the file and the offset in it, so that a person can find the place. */
export function evidenceDamaged(file: string, offset: number, digest: string): Fault {
  const what = `${file} at offset ${offset} does not hold the bytes with SHA-256 ${digest}`;
  return new Fault('EVIDENCE_DAMAGED', `${what}; restore this file from a backup or a replica`);
}
