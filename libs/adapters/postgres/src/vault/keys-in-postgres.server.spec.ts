import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, isFault } from '@maestro/ports';
import type { Log, WrapKey } from '@maestro/ports';
import { startCuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { startPostgresServer, type PostgresServer } from '../../fixtures/postgres-server.ts';
import { openPostgres } from '../postgres-database.ts';
import type { PostgresDatabase } from '../postgres-database.ts';
import { openPostgresKeyVault } from './postgres-key-vault.ts';
import type { PostgresKeyVault, PostgresKeyVaultOptions } from './postgres-key-vault.ts';
import { openWrapKeyFile, opened } from './wrap-key-file.ts';

const EVENT = '0192f2b0-0000-8000-8000-000000000001';
let server: PostgresServer;
let folder: string;
let url: string;
const databases: PostgresDatabase[] = [];
beforeAll(async () => {
  server = await startPostgresServer();
  folder = mkdtempSync(join(tmpdir(), 'maestro-wrap-'));
});
afterAll(async () => {
  await server.dispose();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => (url = await server.freshDatabase()));
afterEach(async () => {
  await Promise.all(databases.splice(0).map((each) => each.close()));
});

/** A KMS that counts its calls, and can be down. */
class CountingKms implements WrapKey {
  readonly keyId: string;
  readonly calls: string[] = [];
  isDown = false;
  readonly #key = openWrapKeyFile(join(folder, 'kms.keys'));

  constructor() {
    this.keyId = this.#key.keyId;
  }

  wrap(key: Uint8Array, context: string): Promise<Uint8Array> {
    return this.#answer('wrap', () => this.#key.wrap(key, context));
  }

  unwrap(keyId: string, wrapped: Uint8Array, context: string): Promise<Uint8Array> {
    return this.#answer('unwrap', () => this.#key.unwrap(keyId, wrapped, context));
  }

  async #answer(call: string, work: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.isDown) throw new Fault('WRAP_KEY_UNAVAILABLE', 'the KMS does not answer', { retryable: true });
    this.calls.push(call);
    return work();
  }
}

/** As another process would: with connections of its own. */
const open = async (kms: WrapKey = new CountingKms(), o: PostgresKeyVaultOptions = {}, connectionString = url): Promise<PostgresKeyVault> => {
  const database = await openPostgres({ connectionString });
  databases.push(database);
  return openPostgresKeyVault(database, kms, o);
};
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFault(error) ? error.code : error),
  );
const sealedBy = (vault: PostgresKeyVault, keyId: string): Promise<Uint8Array> =>
  vault.seal({ keyId, eventId: EVENT, plaintext: Buffer.from('a value of a user') });

describe('data keys in Postgres', () => {
  it('cost one call to the KMS for 256 of them, made or opened', async () => {
    const [kms, another] = [new CountingKms(), new CountingKms()];
    const vault = await open(kms);
    const ids = await Promise.all(Array.from({ length: 100 }, () => vault.create('execution:1')));
    expect(kms.calls).toEqual(['wrap']);
    const reader = await open(another);
    for (const id of ids) await reader.derive(id, 'x');
    expect(another.calls).toEqual(['wrap', 'unwrap']);
  });

  it('are never in the database in the clear, nor is the key of their pool', async () => {
    const kms = new CountingKms();
    const vault = await open(kms);
    const keyId = await vault.create('execution:1');
    const [, pool = '', slot = ''] = keyId.split('-');
    const [row] = await server.sql(
      url,
      `SELECT k.wrapped, p.wrapped AS pool_wrapped FROM data_key k JOIN key_pool p USING (pool) WHERE slot = ${Number.parseInt(slot, 16)}`,
    );
    const poolKey = await kms.unwrap(kms.keyId, row?.['pool_wrapped'] as Buffer, pool);
    const key = opened(poolKey, row?.['wrapped'] as Buffer, keyId);
    expect(createHmac('sha256', key).update('x').digest()).toEqual(await vault.derive(keyId, 'x'));
    const all =
      JSON.stringify(await server.sql(url, "SELECT *, encode(wrapped, 'hex') AS w FROM data_key")) +
      JSON.stringify(await server.sql(url, "SELECT *, encode(wrapped, 'hex') AS w FROM key_pool"));
    for (const secret of [key, Buffer.from(poolKey)])
      expect([all.includes(secret.toString('hex')), all.includes(secret.toString('base64'))]).toEqual([false, false]);
  });

  it('of another vault cost one call to the KMS for all of them, and are not in the clear either', async () => {
    const [kms, another] = [new CountingKms(), new CountingKms()];
    const vault = await open(kms);
    const keys = Array.from({ length: 1_000 }, (_, i) => ({ keyId: `k-0badcafe-00-${i.toString(16).padStart(8, '0')}`, key: Buffer.alloc(32, 0xa5 ^ (i % 256)) }));
    await vault.adopt(keys);
    expect(kms.calls).toEqual(['wrap', 'wrap']);
    const reader = await open(another);
    for (const { keyId, key } of keys.slice(0, 300)) expect(Buffer.from(await reader.reveal(keyId)).equals(key)).toBe(true);
    expect(another.calls).toEqual(['wrap', 'unwrap']);
    const all = JSON.stringify(await server.sql(url, "SELECT *, encode(wrapped, 'hex') AS w FROM adopted_key"));
    expect(all.includes('a5'.repeat(32))).toBe(false);
  });

  it('of another vault that are damaged are told', async () => {
    const vault = await open();
    await vault.adopt([{ keyId: 'k-0badcafe-00-00000001', key: Buffer.alloc(32, 1) }, { keyId: 'k-0badcafe-00-00000002', key: Buffer.alloc(32, 2) }]);
    await server.sql(url, "UPDATE adopted_key SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE key_id = 'k-0badcafe-00-00000001'");
    await expect(vault.reveal('k-0badcafe-00-00000001')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    expect(await vault.reveal('k-0badcafe-00-00000002')).toHaveLength(32);
  });

  it('are handed out once, whichever process makes them', async () => {
    const vaults = await Promise.all([open(), open(), open()]);
    const ids = await Promise.all(vaults.flatMap((vault) => Array.from({ length: 300 }, () => vault.create('execution:1'))));
    expect(new Set(ids).size).toBe(900);
    const [one, other] = vaults as [PostgresKeyVault, PostgresKeyVault, PostgresKeyVault];
    const keyId = await one.create('execution:1');
    expect(Buffer.from(await other.open(keyId, EVENT, await sealedBy(one, keyId))).toString()).toBe('a value of a user');
  });

  it('are gone for every process soon after one has destroyed them, and at once for that one', async () => {
    let nowMs = 1;
    const [one, other] = [await open(), await open(new CountingKms(), { destroyedSeenWithinMs: 5_000, nowMs: () => nowMs })];
    const keyId = await one.create('execution:1');
    await other.derive(keyId, 'x');
    await one.destroy(keyId);
    expect([await codeOf(one.derive(keyId, 'x')), await codeOf(other.derive(keyId, 'x'))]).toEqual(['KEY_DESTROYED', 'done']);
    nowMs = 5_002;
    expect(await codeOf(other.derive(keyId, 'x'))).toBe('KEY_DESTROYED');
    expect(await server.sql(url, 'SELECT count(*)::int AS n FROM data_key WHERE wrapped IS NULL')).toEqual([{ n: 1 }]);
  });

  it('are read again where more are used than are held in memory', async () => {
    const vault = await open(new CountingKms(), { recentKeysMax: 2 });
    const ids = await Promise.all(Array.from({ length: 5 }, () => vault.create('execution:1')));
    const derived = await Promise.all(ids.map((id) => vault.derive(id, 'x')));
    for (const [i, id] of ids.entries()) expect(await vault.derive(id, 'x')).toEqual(derived[i]);
  });

  it.each([
    ['wrapped bytes', 'UPDATE data_key SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)'],
    ['tag', "UPDATE data_key SET tag = '00000000'"],
    ['absence of what is there', 'UPDATE data_key SET wrapped = NULL'],
    ['wrapped bytes of the pool', 'UPDATE key_pool SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)'],
    ['wrap key of the pool', "UPDATE key_pool SET wrap_key = 'file:0'"],
    ['row that is missing', 'DELETE FROM data_key'],
    [
      'row of another slot',
      'UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE slot = 0), digest = (SELECT digest FROM data_key WHERE slot = 0), tag = (SELECT tag FROM data_key WHERE slot = 0)',
    ],
  ])('are refused as damaged with another %s', async (_, change) => {
    const maker = await open();
    const keyId = await maker.create('execution:1');
    await server.sql(url, change);
    const reader = await open();
    await expect(reader.derive(keyId, 'x')).rejects.toMatchObject({ code: 'KEY_DAMAGED', message: expect.stringMatching(/pool|wrapped/) });
    expect(await codeOf(reader.destroy(keyId))).toBe(change.startsWith('DELETE') ? 'KEY_MISSING' : 'done');
  });

  it('are not destroyed by an id that was guessed', async () => {
    const vault = await open();
    const keyId = await vault.create('execution:1');
    const guessed = `${keyId.slice(0, -1)}${keyId.endsWith('0') ? '1' : '0'}`;
    expect([await codeOf(vault.destroy(guessed)), await codeOf(vault.derive(guessed, 'x')), await codeOf(vault.derive(keyId, 'x'))]).toEqual([
      'KEY_MISSING',
      'KEY_MISSING',
      'done',
    ]);
  });

  it('are not made on a server that can lose them, unless that is accepted by name', async () => {
    const weak = await startPostgresServer({ settings: { fsync: 'off' } });
    await expect(open(new CountingKms(), {}, weak.url())).rejects.toMatchObject({ code: 'DURABILITY_WEAK', message: expect.stringContaining('fsync=off') });
    await (await open(new CountingKms(), { acceptWeakDurability: true }, weak.url())).close();
    await Promise.all(databases.splice(0).map((each) => each.close()));
    await weak.dispose();
  });
});

describe('a vault whose database or KMS is away', () => {
  it('goes on with the keys that it has, says so when they are used up, and goes on when both are back', async () => {
    const warnings: string[] = [];
    const log: Log = { log: (level, message) => void (level === 'warn' && warnings.push(message)) };
    const kms = new CountingKms();
    const vault = await open(kms, { log });
    kms.isDown = true;
    await Promise.all(Array.from({ length: 256 }, () => vault.create('execution:1')));
    await expect(vault.create('execution:1')).rejects.toMatchObject({ code: 'WRAP_KEY_UNAVAILABLE', retryable: true });
    expect(warnings).toContain('no pool of data keys could be made ahead');
    kms.isDown = false;
    await server.stop();
    await expect(vault.create('execution:1')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await server.restart();
    const keyId = await vault.create('execution:1');
    expect(await codeOf((await open()).derive(keyId, 'x'))).toBe('done');
  });

  it('never hands out a key of a pool of which it does not know whether it is there', async () => {
    const proxy = await startCuttingProxy(server.port);
    const vault = await open(new CountingKms(), {}, url.replace(String(server.port), String(proxy.port)));
    const first = await Promise.all(Array.from({ length: 127 }, () => vault.create('execution:1')));
    proxy.cutAfter('COMMIT');
    // the next pool is made ahead, and its answer is lost; the one after it is made when keys run out
    const rest = await Promise.all(Array.from({ length: 129 }, () => vault.create('execution:1')));
    const more = await vault.create('execution:1').catch(() => vault.create('execution:1'));
    expect(proxy.cutCount()).toBe(1);
    expect(await server.sql(url, 'SELECT count(*)::int AS n FROM key_pool')).toEqual([{ n: 3 }]);
    expect(new Set([...first, ...rest, more].map((id) => id.split('-')[1])).size).toBe(2);
    const reader = await open();
    for (const id of [first[0], rest[0], more]) expect(await codeOf(reader.derive(id ?? '', 'x'))).toBe('done');
    await proxy.dispose();
  });

  it('destroys a key for good though the answer was lost, and across a restart', async () => {
    const proxy = await startCuttingProxy(server.port);
    const vault = await open(new CountingKms(), {}, url.replace(String(server.port), String(proxy.port)));
    const [gone, kept] = [await vault.create('execution:1'), await vault.create('execution:2')];
    proxy.cutAfter('COMMIT');
    await vault.destroy(gone);
    expect(proxy.cutCount()).toBe(1);
    await server.restart();
    const again = await open();
    expect([await codeOf(again.derive(gone, 'x')), await codeOf(again.derive(kept, 'x'))]).toEqual(['KEY_DESTROYED', 'done']);
    await proxy.dispose();
  });
});
