import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@maestro/ports';
import { PRIVATE_FILE, SEALED_FILE, errnoOf, syncFolder, writeAll } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { packName } from './evidence-key.ts';
import { recordLine, sealLine } from './pack-index.ts';
import type { IndexedRecord } from './pack-index.ts';

type OpenPack = {
  readonly number: number;
  readonly data: FileHandle;
  readonly index: FileHandle;
  bytes: number;
  indexBytes: number;
  /** false once a line was lost: then the index must never be sealed */
  indexComplete: boolean;
};

/** One record to append and what the index shall say of it. */
export type PackedRecord = { readonly record: Buffer; readonly key: string; readonly digest: string; readonly length: number };

/**
 * Appends commits to packs of its own; never to a pack that it did not make.
 *
 * W1. Calls never overlap (the store runs one commit at a time).
 * W2. `append` answers only after the fsync of the pack, and of the folder when the pack is new.
 * W3. After a failed write the pack is cut back to its last commit and left; the next commit opens another one.
 * W4. The index is written after the fsync and never synced: without its seal line it is not believed.
 */
export class PackWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #packBytesMax: number;
  readonly #log: Log | undefined;
  #current: OpenPack | undefined;
  #next: number;

  constructor(disk: Disk, folder: string, next: number, packBytesMax: number, log: Log | undefined) {
    this.#disk = disk;
    this.#folder = folder;
    this.#next = next;
    this.#packBytesMax = packBytesMax;
    this.#log = log;
  }

  /** One durable commit. Answers the pack and the offset of each record in it. */
  async append(records: readonly PackedRecord[]): Promise<{ readonly pack: number; readonly placed: readonly IndexedRecord[] }> {
    const pack = this.#current ?? (await this.#open());
    this.#current = pack;
    const isNew = pack.bytes === 0;
    const commit = Buffer.concat(records.map(({ record }) => record));
    try {
      await writeAll(pack.data, commit, pack.bytes);
      await pack.data.sync();
      if (isNew) await syncFolder(this.#disk, this.#folder);
    } catch (error) {
      await this.#abandon(pack);
      throw error;
    }
    const placed = place(records, pack.bytes);
    pack.bytes += commit.length;
    await this.#writeIndex(pack, placed.map(recordLine).join(''));
    if (pack.bytes >= this.#packBytesMax) await this.seal();
    return { pack: pack.number, placed };
  }

  /** Finishes the open pack: read-only, index complete. Nothing happens when there is none. */
  async seal(): Promise<void> {
    const pack = this.#current;
    if (pack === undefined) return;
    this.#current = undefined;
    try {
      if (pack.indexComplete) await this.#writeIndex(pack, sealLine(pack.bytes));
      await pack.data.chmod(SEALED_FILE);
      await pack.index.chmod(SEALED_FILE);
    } catch (error) {
      // The commits are durable; an unfinished pack is finished at the next start.
      this.#log?.log('warn', 'an evidence pack could not be sealed', { pack: pack.number, code: errnoOf(error) });
    } finally {
      await closeQuietly(pack);
    }
  }

  async #open(): Promise<OpenPack> {
    for (;;) {
      const number = this.#next++;
      const path = join(this.#folder, packName(number));
      let data: FileHandle;
      try {
        data = await this.#disk.open(`${path}.pack`, 'wx', PRIVATE_FILE);
      } catch (error) {
        // Taken: by another writer, or left by an attempt that could not even remove it.
        if (errnoOf(error) === 'EEXIST') continue;
        this.#next = number;
        throw error;
      }
      try {
        const index = await this.#disk.open(`${path}.idx`, 'w', PRIVATE_FILE);
        return { number, data, index, bytes: 0, indexBytes: 0, indexComplete: true };
      } catch (error) {
        await data.close();
        await this.#removeEmpty(number);
        throw error;
      }
    }
  }

  async #writeIndex(pack: OpenPack, lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    try {
      await writeAll(pack.index, bytes, pack.indexBytes);
      pack.indexBytes += bytes.length;
    } catch (error) {
      pack.indexComplete = false;
      this.#log?.log('warn', 'an evidence index could not be written; it is rebuilt at the next start', {
        pack: pack.number,
        code: errnoOf(error),
      });
    }
  }

  async #abandon(pack: OpenPack): Promise<void> {
    this.#current = undefined;
    await pack.data.truncate(pack.bytes).catch(() => undefined);
    await closeQuietly(pack);
    if (pack.bytes === 0) await this.#removeEmpty(pack.number);
  }

  // Nothing of it was ever acknowledged: a full disk must not fill with empty packs.
  async #removeEmpty(number: number): Promise<void> {
    const path = join(this.#folder, packName(number));
    try {
      await this.#disk.unlink(`${path}.pack`);
      this.#next = number;
      await this.#disk.unlink(`${path}.idx`);
    } catch (error) {
      this.#log?.log('debug', 'an empty evidence pack was left', { pack: number, code: errnoOf(error) });
    }
  }
}

function place(records: readonly PackedRecord[], from: number): IndexedRecord[] {
  let offset = from;
  return records.map(({ record, key, digest, length }) => {
    const placed = { key, digest, offset, length };
    offset += record.length;
    return placed;
  });
}

async function closeQuietly(pack: OpenPack): Promise<void> {
  await Promise.allSettled([pack.data.close(), pack.index.close()]);
}
