import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '@maestro/ports';
import type { Ciphertext, DataKeyId, KeyVault, Log, SealRequest } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { inSlices } from '../byte-slices.ts';
import { clearStaging, diskFault, makeFolder, nodeDisk } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { POOL_SLOTS, createPool, destroyKey, keyMissing, parseKeyId, readKey, surveyPools } from './key-pool.ts';
import type { FreshKey, PoolSurvey, Slot } from './key-pool.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

type FolderKeyVaultOptions = {
  readonly log?: Log;
  /** keys held in memory, default 4,096 (about 200 bytes each) */
  readonly recentKeysMax?: number;
  readonly disk?: Disk;
};

/**
 * KeyVault in a folder that belongs to this process.
 *
 * V1. A key is durable before it can be handed out: pools are written whole, then used.
 * V2. Each process starts with a new pool: what an earlier one left over is never handed out.
 * V3. The next pool is made when half of a pool is left, so `create` waits for the disk only if that failed or is slow.
 * V4. Destroying overwrites the record in place. On media that copy on write (SSDs, snapshots, backups) old copies of
 *     it live until the medium or the backup expires.
 */
export class FolderKeyVault implements KeyVault {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Log | undefined;
  /** the keys used last, so that a busy run costs no file read */
  readonly #recent: LRUCache<DataKeyId, KeyObject>;
  #fresh: FreshKey[] = [];
  #refilling: Promise<void> | undefined;
  /** counts destructions, so that a read that began before one never caches what it saw */
  #destroyEpoch = 0;
  #closed = false;

  private constructor(disk: Disk, folder: string, o: FolderKeyVaultOptions) {
    this.#disk = disk;
    this.#folder = folder;
    this.#log = o.log;
    this.#recent = new LRUCache({ max: o.recentKeysMax ?? 4_096 });
  }

  /** Makes `<folder>/data` when it is missing, and the first pool. Faults: STORE_READ_ONLY. */
  static async open(folder: string, o: FolderKeyVaultOptions = {}): Promise<FolderKeyVault> {
    const vault = new FolderKeyVault(o.disk ?? nodeDisk, join(folder, 'data'), o);
    try {
      await makeFolder(vault.#disk, vault.#staging);
      await clearStaging(vault.#disk, vault.#staging);
      await vault.#refill();
      return vault;
    } catch (error) {
      throw diskFault(error, `opening the key vault in ${folder}`);
    }
  }

  /** Reads every record of the vault in a folder, whether a vault is open on it or not; changes nothing. */
  static survey(folder: string, o: Pick<FolderKeyVaultOptions, 'disk'> = {}): Promise<PoolSurvey> {
    return surveyPools(o.disk ?? nodeDisk, join(folder, 'data'));
  }

  async create(scope: string): Promise<DataKeyId> {
    this.#assertOpen();
    while (this.#fresh.length === 0) {
      await this.#refill();
      this.#assertOpen();
    }
    const { keyId, key } = this.#fresh.pop() as FreshKey;
    this.#recent.set(keyId, createSecretKey(key));
    this.#log?.log('debug', 'data key handed out', { keyId, scope });
    if (this.#fresh.length <= POOL_SLOTS / 2) this.#refillAhead();
    return keyId;
  }

  async seal({ keyId, eventId, plaintext }: SealRequest): Promise<Ciphertext> {
    const key = await this.#keyOf(keyId);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(eventId));
    const sealed = await inOneBuffer(plaintext, NONCE_BYTES, TAG_BYTES, (slice) => cipher.update(slice));
    cipher.final();
    sealed.set(nonce);
    sealed.set(cipher.getAuthTag(), sealed.length - TAG_BYTES);
    return sealed;
  }

  async open(keyId: DataKeyId, eventId: string, ciphertext: Ciphertext): Promise<Uint8Array> {
    const key = await this.#keyOf(keyId);
    try {
      const nonce = ciphertext.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(eventId)).setAuthTag(ciphertext.subarray(-TAG_BYTES));
      const opened = await inOneBuffer(ciphertext.subarray(NONCE_BYTES, -TAG_BYTES), 0, 0, (slice) => decipher.update(slice));
      decipher.final();
      return opened;
    } catch (cause) {
      throw new Fault('SEAL_DAMAGED', `the ciphertext of event ${eventId} does not open under key ${keyId}`, { cause });
    }
  }

  async derive(keyId: DataKeyId, context: string): Promise<Uint8Array> {
    return createHmac('sha256', await this.#keyOf(keyId))
      .update(context)
      .digest();
  }

  async destroy(keyId: DataKeyId): Promise<void> {
    const slot = this.#slotOf(keyId);
    this.#destroyEpoch++;
    this.#recent.delete(keyId);
    await this.#onDisk(`destroying key ${keyId}`, () => destroyKey(this.#disk, this.#folder, slot, keyId));
    // A read that overlapped may have put it back.
    this.#recent.delete(keyId);
    this.#destroyEpoch++;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#fresh = [];
    this.#recent.clear();
    await Promise.allSettled([this.#refilling]);
  }

  async #keyOf(keyId: DataKeyId): Promise<KeyObject> {
    const slot = this.#slotOf(keyId);
    const recent = this.#recent.get(keyId);
    if (recent !== undefined) return recent;
    const epoch = this.#destroyEpoch;
    const key = createSecretKey(await this.#onDisk(`reading key ${keyId}`, () => readKey(this.#disk, this.#folder, slot, keyId)));
    this.#assertOpen();
    if (epoch === this.#destroyEpoch) this.#recent.set(keyId, key);
    return key;
  }

  #slotOf(keyId: DataKeyId): Slot {
    this.#assertOpen();
    const slot = parseKeyId(keyId);
    if (slot === undefined) throw keyMissing(keyId);
    return slot;
  }

  /** One pool at a time; callers that come meanwhile share it. */
  #refill(): Promise<void> {
    this.#refilling ??= this.#onDisk('making a pool of data keys', async () => {
      const keys = await createPool(this.#disk, this.#folder, this.#staging, randomBytes);
      if (!this.#closed) this.#fresh = [...keys, ...this.#fresh];
    }).finally(() => (this.#refilling = undefined));
    return this.#refilling;
  }

  #refillAhead(): void {
    if (this.#refilling !== undefined) return;
    this.#refill().catch((error: unknown) => {
      // Not fatal yet: `create` tries again when the keys at hand are used up, and then says so.
      this.#log?.log('warn', 'no pool of data keys could be made ahead', { error: String(error) });
    });
  }

  async #onDisk<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskFault(error, doing);
    }
  }

  get #staging(): string {
    return join(this.#folder, 'staging');
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the key vault was closed');
  }
}

/** What a cipher makes of all slices, with room before and behind. AES-GCM gives as many bytes as it takes. */
async function inOneBuffer(bytes: Uint8Array, before: number, behind: number, change: (slice: Uint8Array) => Uint8Array): Promise<Buffer> {
  const made = Buffer.allocUnsafe(before + bytes.length + behind);
  let at = before;
  await inSlices(bytes, (slice) => {
    made.set(change(slice), at);
    at += slice.length;
  });
  return made;
}
