import { hash, randomBytes } from 'node:crypto';
import { Fault } from '@maestro/ports';
import type { DataKeyId } from '@maestro/ports';
import { sql } from 'kysely';
import type { TableSet } from '../migrate-tables.ts';
import type { PostgresRow } from '../postgres-database.ts';
import { sealed } from './wrap-key-file.ts';

/** keys in one pool */
export const POOL_SLOTS = 256;
/** length of a data key, and of a pool key */
export const KEY_BYTES = 32;

/** Rows of pools and keys. What was destroyed has no `wrapped`; dead copies of rows are taken away early, since some were keys. */
export const KEY_TABLES: TableSet = {
  name: 'key_vault',
  migrations: {
    '0001-keys': {
      up: async (db) => {
        await sql`CREATE TABLE key_pool (pool text COLLATE "C" PRIMARY KEY, wrap_key text NOT NULL, wrapped bytea NOT NULL, digest text NOT NULL)`.execute(db);
        await sql`CREATE TABLE data_key (pool text COLLATE "C" REFERENCES key_pool (pool), slot int, tag text NOT NULL, wrapped bytea, digest text NOT NULL, PRIMARY KEY (pool, slot))
          WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)`.execute(db);
      },
    },
    '0002-adopted-keys': {
      up: async (db) => {
        await sql`CREATE TABLE adopted_key (key_id text COLLATE "C" PRIMARY KEY, pool text COLLATE "C" NOT NULL REFERENCES key_pool (pool), wrapped bytea, digest text NOT NULL)
          WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)`.execute(db);
      },
    },
  },
};

/** Where a key lies, as its id says: `k-<pool, 16 hex>-<slot, 2 hex>-<tag, 8 hex>`. */
export type KeyPlace = { readonly pool: string; readonly slot: number; readonly tag: string };

/** One key of a new pool, in the clear and as its row holds it. */
export type NewKey = KeyPlace & { readonly keyId: DataKeyId; readonly key: Buffer; readonly wrapped: Buffer; readonly digest: string };

/** Undefined for anything that is no key id of this vault. */
export function parseKeyId(keyId: DataKeyId): KeyPlace | undefined {
  const [, pool, slot, tag] = /^k-([0-9a-f]{16})-([0-9a-f]{2})-([0-9a-f]{8})$/.exec(keyId) ?? [];
  return pool === undefined || slot === undefined || tag === undefined ? undefined : { pool, slot: Number.parseInt(slot, 16), tag };
}

/** Keys of a new pool, wrapped with its pool key. */
export function newKeys(pool: string, poolKey: Uint8Array): readonly NewKey[] {
  return Array.from({ length: POOL_SLOTS }, (_, slot) => {
    const place = { pool, slot, tag: randomBytes(4).toString('hex') };
    const keyId = `k-${pool}-${slot.toString(16).padStart(2, '0')}-${place.tag}`;
    const key = randomBytes(KEY_BYTES);
    const wrapped = sealed(poolKey, key, keyId);
    return { ...place, keyId, key, wrapped, digest: keyDigest(place, wrapped) };
  });
}

/** 64 hex, over all that the row of a key says; `wrapped` null: destroyed. */
export function keyDigest({ pool, slot, tag }: KeyPlace, wrapped: Uint8Array | null): string {
  return hash('sha256', JSON.stringify([pool, slot, tag, wrapped === null ? null : Buffer.from(wrapped).toString('base64')]));
}

/** 64 hex, over all that the row of a pool says. */
export function poolDigest(pool: string, wrapKeyId: string, wrapped: Uint8Array): string {
  return hash('sha256', JSON.stringify([pool, wrapKeyId, Buffer.from(wrapped).toString('base64')]));
}

/** What the row of a key says of it: its wrapped bytes. Faults: KEY_MISSING (a guessed id), KEY_DESTROYED, KEY_DAMAGED. */
export function wrappedIn(row: PostgresRow, place: KeyPlace, keyId: DataKeyId): Buffer {
  const { tag, wrapped, digest } = row;
  if (tag === null || keyDigest({ ...place, tag: String(tag) }, wrapped as Buffer | null) !== digest) throw keyDamaged(place, keyId);
  if (tag !== place.tag) throw keyMissing(keyId);
  if (wrapped === null) throw new Fault('KEY_DESTROYED', `key ${keyId} was destroyed; its values are gone for ever`);
  return wrapped as Buffer;
}

/** No such key was ever made here. */
export function keyMissing(keyId: DataKeyId): Fault {
  return new Fault('KEY_MISSING', `no key ${JSON.stringify(keyId)} was ever made in this vault`);
}

/** The row is gone, or not what was written. */
export function keyDamaged({ pool, slot }: KeyPlace, keyId: DataKeyId): Fault {
  return new Fault(
    'KEY_DAMAGED',
    `the key vault in Postgres is damaged: slot ${slot} of pool ${pool} holds no readable row of key ${keyId}; restore data_key and key_pool from a backup`,
  );
}
