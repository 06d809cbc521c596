import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { Fault, isFault } from '@maestro/ports';
import type { Ciphertext, DataKeyId, KeyTransfer, KeyVault, Log, MovedKey, SealRequest } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { inSlices } from '../byte-slices.ts';
import { clearStaging, diskFault, makeFolder, nodeDisk } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { AdoptedKeys, keyExists, surveyAdopted } from './adopted-keys.ts';
import { POOL_SLOTS, createPool, destroyKey, parseKeyId, readKey, surveyPools } from './key-pool.ts';
import type { FreshKey, PoolSurvey } from './key-pool.ts';

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
 * V5. Keys of other vaults lie beside the pools, under the ids that they came with; a pool's own keys come first.
 */
export class FolderKeyVault implements KeyVault, KeyTransfer {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Log | undefined;
  readonly #adopted: AdoptedKeys;
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
    this.#adopted = new AdoptedKeys(disk, folder, join(folder, 'staging'));
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
  static async survey(folder: string, { disk = nodeDisk }: Pick<FolderKeyVaultOptions, 'disk'> = {}): Promise<PoolSurvey> {
    const data = join(folder, 'data');
    const [own, adopted] = [await surveyPools(disk, data), await surveyAdopted(disk, data)];
    return { live: own.live + adopted.live, destroyed: own.destroyed + adopted.destroyed, damaged: [...own.damaged, ...adopted.damaged] };
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

  async reveal(keyId: DataKeyId): Promise<Uint8Array> {
    return Uint8Array.from((await this.#keyOf(keyId)).export());
  }

  async adopt(keys: readonly MovedKey[]): Promise<void> {
    this.#assertOpen();
    const foreign: MovedKey[] = [];
    const destroyed: DataKeyId[] = [];
    for (const moved of keys) {
      const own = await this.#onDisk(`looking for key ${moved.keyId}`, () => this.#ownKey(moved.keyId));
      if (own === 'missing') foreign.push(moved);
      else if (own !== 'destroyed' && moved.key === null) destroyed.push(moved.keyId);
      else if (own !== 'destroyed' && !own.equals(moved.key ?? own)) throw keyExists(moved.keyId);
    }
    if (foreign.length > 0) await this.#forgetting(foreign.map(({ keyId }) => keyId), () => this.#onDisk('taking keys of another vault', () => this.#adopted.add(foreign)));
    for (const keyId of destroyed) await this.destroy(keyId);
  }

  async destroy(keyId: DataKeyId): Promise<void> {
    this.#assertOpen();
    const slot = parseKeyId(keyId);
    const work = async (): Promise<void> => {
      if (slot === undefined) return this.#adopted.destroy(keyId);
      await destroyKey(this.#disk, this.#folder, slot, keyId).catch((error: unknown) => this.#elsewhere(error, () => this.#adopted.destroy(keyId)));
    };
    await this.#forgetting([keyId], () => this.#onDisk(`destroying key ${keyId}`, work));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#fresh = [];
    this.#recent.clear();
    await Promise.allSettled([this.#refilling]);
  }

  async #keyOf(keyId: DataKeyId): Promise<KeyObject> {
    this.#assertOpen();
    const recent = this.#recent.get(keyId);
    if (recent !== undefined) return recent;
    const epoch = this.#destroyEpoch;
    const key = createSecretKey(await this.#onDisk(`reading key ${keyId}`, () => this.#read(keyId)));
    this.#assertOpen();
    if (epoch === this.#destroyEpoch) this.#recent.set(keyId, key);
    return key;
  }

  async #read(keyId: DataKeyId): Promise<Buffer> {
    const slot = parseKeyId(keyId);
    if (slot === undefined) return this.#adopted.read(keyId);
    return readKey(this.#disk, this.#folder, slot, keyId).catch((error: unknown) => this.#elsewhere(error, () => this.#adopted.read(keyId)));
  }

  async #ownKey(keyId: DataKeyId): Promise<Buffer | 'missing' | 'destroyed'> {
    const slot = parseKeyId(keyId);
    if (slot === undefined) return 'missing';
    return readKey(this.#disk, this.#folder, slot, keyId).catch((error: unknown) => {
      if (isFault(error, 'KEY_MISSING')) return 'missing';
      if (isFault(error, 'KEY_DESTROYED')) return 'destroyed';
      throw error;
    });
  }

  /** No pool has the key: it may be one of another vault. */
  async #elsewhere<T>(error: unknown, look: () => Promise<T>): Promise<T> {
    if (!isFault(error, 'KEY_MISSING')) throw error;
    return look();
  }

  /** Keys that change are remembered neither by what is read meanwhile nor from before. */
  async #forgetting(keyIds: readonly DataKeyId[], work: () => Promise<void>): Promise<void> {
    this.#destroyEpoch++;
    for (const keyId of keyIds) this.#recent.delete(keyId);
    await work();
    // A read that overlapped may have put it back.
    for (const keyId of keyIds) this.#recent.delete(keyId);
    this.#destroyEpoch++;
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
