import { hash, randomBytes } from 'node:crypto';
import { Fault, isFault } from '@maestro/ports';
import type { DataKeyId, MovedKey, WrapKey } from '@maestro/ports';
import type { PostgresDatabase, PostgresRow } from '../postgres-database.ts';
import { KEY_BYTES, keyMissing, poolDigest } from './key-rows.ts';
import { opened, sealed } from './wrap-key-file.ts';

const KEY_ID = /^[a-z0-9-]{8,64}$/;
const READ = 'SELECT p.wrap_key, p.wrapped AS pool_wrapped, p.digest AS pool_digest, k.pool, k.wrapped, k.digest FROM adopted_key k JOIN key_pool p ON p.pool = k.pool WHERE k.key_id = $1';
const KNOWN = 'SELECT key_id FROM adopted_key WHERE key_id = ANY($1::text[])';
const FOR_DESTRUCTION = 'SELECT pool FROM adopted_key WHERE key_id = $1 FOR UPDATE';
const DESTROY = 'UPDATE adopted_key SET wrapped = NULL, digest = $2 WHERE key_id = $1';
const ADD_POOL = 'INSERT INTO key_pool (pool, wrap_key, wrapped, digest) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING';
const ADD = 'INSERT INTO adopted_key (key_id, pool, wrapped, digest) SELECT a.key_id, $1, a.wrapped, a.digest FROM unnest($2::text[], $3::bytea[], $4::text[]) AS a (key_id, wrapped, digest) ON CONFLICT DO NOTHING';

/** Opens the key of the pool that a row of a join with `key_pool` names. */
type OpenPool = (row: PostgresRow, pool: string, keyId: DataKeyId) => Promise<Buffer>;

/**
 * Keys that came from another vault, under the ids that they had there. Each call of `add` makes one pool key, which wraps
 * what it takes and is wrapped itself: one call to a KMS for thousands of keys.
 */
export class AdoptedKeys {
  readonly #database: PostgresDatabase;
  readonly #wrapKey: WrapKey;
  readonly #openPool: OpenPool;

  constructor(database: PostgresDatabase, wrapKey: WrapKey, openPool: OpenPool) {
    this.#database = database;
    this.#wrapKey = wrapKey;
    this.#openPool = openPool;
  }

  /** Faults: KEY_MISSING, KEY_DESTROYED, KEY_DAMAGED. */
  async read(keyId: DataKeyId): Promise<Buffer> {
    const [row] = KEY_ID.test(keyId) ? await this.#database.read(`reading key ${keyId}`, (run) => run(READ, [keyId])) : [];
    if (row === undefined) throw keyMissing(keyId);
    const [pool, wrapped] = [String(row['pool']), row['wrapped'] as Buffer | null];
    if (adoptedDigest(keyId, wrapped) !== row['digest']) {
      throw new Fault('KEY_DAMAGED', `the key vault in Postgres is damaged: adopted_key holds no readable row of key ${keyId}; restore adopted_key and key_pool from a backup`);
    }
    if (wrapped === null) throw new Fault('KEY_DESTROYED', `key ${keyId} was destroyed; its values are gone for ever`);
    return opened(await this.#openPool(row, pool, keyId), wrapped, keyId);
  }

  /** Durable and idempotent. Faults: KEY_MISSING. */
  async destroy(keyId: DataKeyId): Promise<void> {
    if (!KEY_ID.test(keyId)) throw keyMissing(keyId);
    await this.#database.transaction({ doing: `destroying key ${keyId}`, isRepeatable: true }, async (run) => {
      const [row] = await run(FOR_DESTRUCTION, [keyId]);
      if (row === undefined) throw keyMissing(keyId);
      await run(DESTROY, [keyId, adoptedDigest(keyId, null)]);
    });
  }

  /** As `KeyTransfer.adopt`, of keys that no pool has. */
  async add(keys: readonly MovedKey[]): Promise<void> {
    const odd = keys.find(({ keyId }) => !KEY_ID.test(keyId));
    if (odd !== undefined) throw keyMissing(odd.keyId);
    const ids = keys.map(({ keyId }) => keyId);
    const rows = await this.#database.read('looking for adopted keys', (run) => run(KNOWN, [ids]));
    const known = new Set(rows.map((row) => String(row['key_id'])));
    const destroyed: DataKeyId[] = [];
    for (const { keyId, key } of keys) {
      const own = known.has(keyId) ? await this.#keyUnlessDestroyed(keyId) : undefined;
      if (own !== undefined && key === null) destroyed.push(keyId);
      else if (own !== undefined && !own.equals(key ?? own)) throw keyExists(keyId);
    }
    await this.#insert(keys.filter(({ keyId }) => !known.has(keyId)));
    for (const keyId of destroyed) await this.destroy(keyId);
  }

  async #insert(keys: readonly MovedKey[]): Promise<void> {
    if (keys.length === 0) return;
    const [pool, poolKey] = [randomBytes(8).toString('hex'), randomBytes(KEY_BYTES)];
    const { keyId: wrapKeyId } = this.#wrapKey;
    const wrappedPool = await this.#wrapKey.wrap(poolKey, pool);
    const rows = keys.map(({ keyId, key }) => ({ keyId, wrapped: key === null ? null : sealed(poolKey, key, keyId) }));
    await this.#database.transaction({ doing: 'taking keys of another vault', isRepeatable: true }, async (run) => {
      await run(ADD_POOL, [pool, wrapKeyId, wrappedPool, poolDigest(pool, wrapKeyId, wrappedPool)]);
      await run(ADD, [pool, rows.map(({ keyId }) => keyId), rows.map(({ wrapped }) => wrapped), rows.map(({ keyId, wrapped }) => adoptedDigest(keyId, wrapped))]);
    });
  }

  async #keyUnlessDestroyed(keyId: DataKeyId): Promise<Buffer | undefined> {
    try {
      return await this.read(keyId);
    } catch (error) {
      if (isFault(error, 'KEY_DESTROYED')) return undefined;
      throw error;
    }
  }
}

/** 64 hex, over all that the row of an adopted key says of it; `wrapped` null: destroyed. */
function adoptedDigest(keyId: DataKeyId, wrapped: Uint8Array | null): string {
  return hash('sha256', JSON.stringify(['adopted', keyId, wrapped === null ? null : Buffer.from(wrapped).toString('base64')]));
}

/** Another key has this id. */
export function keyExists(keyId: DataKeyId): Fault {
  return new Fault('KEY_EXISTS', `another key has the id ${keyId} in this vault; nothing was taken`);
}
