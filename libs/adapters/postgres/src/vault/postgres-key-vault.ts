import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Fault, isFault } from '@maestro/ports';
import type { Ciphertext, DataKeyId, KeyTransfer, KeyVault, Log, MovedKey, SealRequest, WrapKey } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { migrateTables } from '../migrate-tables.ts';
import type { PostgresDatabase, PostgresRow } from '../postgres-database.ts';
import { AdoptedKeys, keyExists } from './adopted-keys.ts';
import { KEY_BYTES, KEY_TABLES, POOL_SLOTS, keyDamaged, keyDigest, keyMissing, newKeys, parseKeyId, poolDigest, wrappedIn } from './key-rows.ts';
import type { KeyPlace, NewKey } from './key-rows.ts';
import { opened } from './wrap-key-file.ts';
import { openValue, sealValue } from './value-cipher.ts';

/** How a vault behaves beside its database and its wrap key. */
export type PostgresKeyVaultOptions = {
  readonly log?: Log;
  /** keys held in memory; default 4,096 */
  readonly recentKeysMax?: number;
  /** how long a key that another process destroyed may still be used here; default 5,000 */
  readonly destroyedSeenWithinMs?: number;
  /** takes a server that can lose what it acknowledged (`fsync=off`); default false */
  readonly acceptWeakDurability?: boolean;
  /** monotonic, for tests */
  readonly nowMs?: () => number;
};

const KEY =
  'SELECT p.wrap_key, p.wrapped AS pool_wrapped, p.digest AS pool_digest, k.tag, k.wrapped, k.digest FROM key_pool p LEFT JOIN data_key k ON k.pool = p.pool AND k.slot = $2 WHERE p.pool = $1';
const FOR_DESTRUCTION = 'SELECT tag, wrapped, digest FROM data_key WHERE pool = $1 AND slot = $2 FOR UPDATE';
const DESTROY = 'UPDATE data_key SET tag = $3, wrapped = NULL, digest = $4 WHERE pool = $1 AND slot = $2';
const ADD_POOL = 'INSERT INTO key_pool (pool, wrap_key, wrapped, digest) VALUES ($1, $2, $3, $4)';
const ADD_KEYS = 'INSERT INTO data_key (pool, slot, tag, wrapped, digest) SELECT $1, * FROM unnest($2::int[], $3::text[], $4::bytea[], $5::text[])';
/** Pool keys held in memory; each opens 256 data keys without another call to the wrap key. */
const POOL_KEYS_MAX = 1_024;

/**
 * KeyVault on Postgres, for any number of processes.
 *
 * V1. A key is durable before it can be handed out: pools are committed whole, then used.
 * V2. Each process hands out keys of pools that it made itself: no key is handed out twice, and what a process left over never is.
 * V3. The next pool is made when half of a pool is left, so `create` waits for database and wrap key only if that failed or is slow.
 * V4. Data keys are wrapped with the key of their pool, and that one with the wrap key: one call to a KMS makes or opens 256 keys.
 * V5. Destroying is one durable commit. Other processes notice within `destroyedSeenWithinMs`: they look again that often.
 * V6. Keys of other vaults lie beside the pools, under the ids that they came with; a pool's own keys come first.
 */
export class PostgresKeyVault implements KeyVault, KeyTransfer {
  readonly #database: PostgresDatabase;
  readonly #wrapKey: WrapKey;
  readonly #log: Log | undefined;
  readonly #adopted: AdoptedKeys;
  /** the keys used last, each for a time: another process may destroy it */
  readonly #recent: LRUCache<DataKeyId, KeyObject>;
  readonly #poolKeys = new Map<string, Buffer>();
  #fresh: NewKey[] = [];
  #refilling: Promise<void> | undefined;
  /** counts destructions, so that a read that began before one never keeps what it saw */
  #destroyEpoch = 0;
  #closed = false;

  /** Use `openPostgresKeyVault`. */
  constructor(database: PostgresDatabase, wrapKey: WrapKey, o: PostgresKeyVaultOptions) {
    this.#database = database;
    this.#wrapKey = wrapKey;
    this.#log = o.log;
    this.#adopted = new AdoptedKeys(database, wrapKey, (row, pool, keyId) => this.#poolKey(row, pool, () => keyDamaged({ pool, slot: 0, tag: '' }, keyId)));
    this.#recent = new LRUCache({
      max: o.recentKeysMax ?? 4_096,
      ttl: o.destroyedSeenWithinMs ?? 5_000,
      ttlResolution: 0,
      perf: { now: o.nowMs ?? (() => performance.now()) },
    });
  }

  async create(scope: string): Promise<DataKeyId> {
    this.#assertOpen();
    while (this.#fresh.length === 0) {
      await this.refill();
      this.#assertOpen();
    }
    const { keyId, key } = this.#fresh.pop() as NewKey;
    this.#recent.set(keyId, createSecretKey(key));
    this.#log?.log('debug', 'data key handed out', { keyId, scope });
    if (this.#fresh.length <= POOL_SLOTS / 2 && this.#refilling === undefined) this.#refillAhead();
    return keyId;
  }

  async seal({ keyId, eventId, plaintext }: SealRequest): Promise<Ciphertext> {
    return sealValue(await this.#keyOf(keyId), eventId, plaintext);
  }

  async open(keyId: DataKeyId, eventId: string, ciphertext: Ciphertext): Promise<Uint8Array> {
    return openValue(await this.#keyOf(keyId), keyId, eventId, ciphertext);
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
    const places = keys.map(({ keyId }) => parseKeyId(keyId)?.pool).filter((pool) => pool !== undefined);
    const rows = await this.#database.read('looking for pools of data keys', (run) => run('SELECT pool FROM key_pool WHERE pool = ANY($1::text[])', [[...new Set(places)]]));
    const own = new Set(rows.map((row) => String(row['pool'])));
    const foreign: MovedKey[] = [];
    const destroyed: DataKeyId[] = [];
    for (const moved of keys) {
      const known = own.has(parseKeyId(moved.keyId)?.pool ?? '') ? await this.#ownKey(moved.keyId) : 'missing';
      if (known === 'missing') foreign.push(moved);
      else if (known !== 'destroyed' && moved.key === null) destroyed.push(moved.keyId);
      else if (known !== 'destroyed' && !known.equals(moved.key ?? known)) throw keyExists(moved.keyId);
    }
    await this.#forgetting(foreign.map(({ keyId }) => keyId), () => this.#adopted.add(foreign));
    for (const keyId of destroyed) await this.destroy(keyId);
  }

  async destroy(keyId: DataKeyId): Promise<void> {
    this.#assertOpen();
    const place = parseKeyId(keyId);
    const adopted = (): Promise<void> => this.#adopted.destroy(keyId);
    await this.#forgetting([keyId], () => (place === undefined ? adopted() : this.#destroyOwn(keyId, place).catch((error: unknown) => elsewhere(error, adopted))));
  }

  /** The connections stay with the database. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#fresh = [];
    this.#recent.clear();
    this.#poolKeys.clear();
    await Promise.allSettled([this.#refilling]);
  }

  /** Makes a pool; callers that come meanwhile share it. For `openPostgresKeyVault`. */
  refill(): Promise<void> {
    this.#refilling ??= this.#addPool().finally(() => (this.#refilling = undefined));
    return this.#refilling;
  }

  /** A pool whose commit was not answered is forgotten: its keys are in nobody's hands. */
  async #addPool(): Promise<void> {
    const [pool, poolKey] = [randomBytes(8).toString('hex'), randomBytes(KEY_BYTES)];
    const { keyId } = this.#wrapKey;
    const wrapped = await this.#wrapKey.wrap(poolKey, pool);
    const keys = newKeys(pool, poolKey);
    await this.#database.transaction({ doing: 'making a pool of data keys', isRepeatable: false }, async (run) => {
      await run(ADD_POOL, [pool, keyId, wrapped, poolDigest(pool, keyId, wrapped)]);
      await run(ADD_KEYS, [pool, keys.map(({ slot }) => slot), keys.map(({ tag }) => tag), keys.map((key) => key.wrapped), keys.map(({ digest }) => digest)]);
    });
    if (this.#closed) return;
    this.#keepPoolKey(pool, poolKey);
    this.#fresh = [...keys, ...this.#fresh];
  }

  #refillAhead(): void {
    this.refill().catch((error: unknown) => {
      // Not fatal yet: `create` tries again when the keys at hand are used up, and then says so.
      this.#log?.log('warn', 'no pool of data keys could be made ahead', { error: String(error) });
    });
  }

  async #destroyOwn(keyId: DataKeyId, place: KeyPlace): Promise<void> {
    await this.#database.transaction({ doing: `destroying key ${keyId}`, isRepeatable: true }, async (run) => {
      const { pool, slot, tag } = place;
      const [row] = await run(FOR_DESTRUCTION, [pool, slot]);
      if (row === undefined) throw keyMissing(keyId);
      // what is left of a damaged row must go, too; an id that was only guessed destroys nothing
      const isSound = keyDigest({ ...place, tag: String(row['tag']) }, row['wrapped'] as Buffer | null) === row['digest'];
      if (isSound && row['tag'] !== tag) throw keyMissing(keyId);
      if (!isSound || row['wrapped'] !== null) await run(DESTROY, [pool, slot, tag, keyDigest(place, null)]);
    });
  }

  /** Keys that change are remembered neither by what is read meanwhile nor from before. */
  async #forgetting(keyIds: readonly DataKeyId[], work: () => Promise<void>): Promise<void> {
    this.#destroyEpoch += 1;
    for (const keyId of keyIds) this.#recent.delete(keyId);
    await work();
    // a read that overlapped may have put it back
    for (const keyId of keyIds) this.#recent.delete(keyId);
    this.#destroyEpoch += 1;
  }

  async #keyOf(keyId: DataKeyId): Promise<KeyObject> {
    this.#assertOpen();
    const recent = this.#recent.get(keyId);
    if (recent !== undefined) return recent;
    const epoch = this.#destroyEpoch;
    const place = parseKeyId(keyId);
    const adopted = (): Promise<Buffer> => this.#adopted.read(keyId);
    const key = createSecretKey(await (place === undefined ? adopted() : this.#readOwn(keyId, place).catch((error: unknown) => elsewhere(error, adopted))));
    this.#assertOpen();
    if (epoch === this.#destroyEpoch) this.#recent.set(keyId, key);
    return key;
  }

  async #readOwn(keyId: DataKeyId, place: KeyPlace): Promise<Buffer> {
    const [row] = await this.#database.read(`reading key ${keyId}`, (run) => run(KEY, [place.pool, place.slot]));
    if (row === undefined) throw keyMissing(keyId);
    const wrapped = wrappedIn(row, place, keyId);
    return opened(await this.#poolKey(row, place.pool, () => keyDamaged(place, keyId)), wrapped, keyId);
  }

  async #ownKey(keyId: DataKeyId): Promise<Buffer | 'missing' | 'destroyed'> {
    const place = parseKeyId(keyId);
    if (place === undefined) return 'missing';
    return this.#readOwn(keyId, place).catch((error: unknown) => {
      if (isFault(error, 'KEY_MISSING')) return 'missing';
      if (isFault(error, 'KEY_DESTROYED')) return 'destroyed';
      throw error;
    });
  }

  async #poolKey(row: PostgresRow, pool: string, damaged: () => Fault): Promise<Buffer> {
    const known = this.#poolKeys.get(pool);
    if (known !== undefined) return known;
    const [wrapKeyId, wrapped] = [String(row['wrap_key']), row['pool_wrapped'] as Buffer];
    if (poolDigest(pool, wrapKeyId, wrapped) !== row['pool_digest']) throw damaged();
    const poolKey = Buffer.from(await this.#wrapKey.unwrap(wrapKeyId, wrapped, pool));
    this.#assertOpen();
    this.#keepPoolKey(pool, poolKey);
    return poolKey;
  }

  #keepPoolKey(pool: string, poolKey: Buffer): void {
    this.#poolKeys.set(pool, poolKey);
    const [oldest] = this.#poolKeys.keys();
    if (this.#poolKeys.size > POOL_KEYS_MAX && oldest !== undefined) this.#poolKeys.delete(oldest);
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the key vault was closed');
  }
}

/** No pool has the key: it may be one of another vault. */
async function elsewhere<T>(error: unknown, look: () => Promise<T>): Promise<T> {
  if (!isFault(error, 'KEY_MISSING')) throw error;
  return look();
}

/**
 * Makes the tables where they are missing, and the first pool. The database stays the caller's to close.
 * Faults: DURABILITY_WEAK (the server can lose what it acknowledged), those of the port, of the wrap key and of `openPostgres`.
 */
export async function openPostgresKeyVault(database: PostgresDatabase, wrapKey: WrapKey, o: PostgresKeyVaultOptions = {}): Promise<PostgresKeyVault> {
  const { isDurable, weak } = await database.durability();
  if (!isDurable && o.acceptWeakDurability !== true) {
    throw new Fault(
      'DURABILITY_WEAK',
      `Postgres runs with ${weak.join(', ')}, and would lose keys that were handed out, and with them the values of users: set it to on, or accept weak durability by name`,
    );
  }
  await migrateTables(database, KEY_TABLES);
  const vault = new PostgresKeyVault(database, wrapKey, o);
  await vault.refill();
  return vault;
}
