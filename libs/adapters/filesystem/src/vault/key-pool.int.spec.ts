import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@maestro/ports';
import { nodeDisk } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { FolderKeyVault } from './folder-key-vault.ts';
import { createPool } from './key-pool.ts';

const EVENT = '0192f2b0-0000-8000-8000-000000000001';
let root = '';
const data = (name = '') => join(root, 'keys', 'data', name);
const pools = () => readdirSync(data()).filter((name) => name.endsWith('.keys'));
const open = (disk: Disk = nodeDisk, log?: Log) => FolderKeyVault.open(join(root, 'keys'), { disk, ...(log && { log }) });
const placeOf = (keyId: string) => {
  const [, pool = '', slot = '', tag = ''] = keyId.split('-');
  return { file: data(`pool-${pool}.keys`), offset: Number.parseInt(slot, 16) * 64, tag };
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vault-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('key pools on disk', () => {
  it('are private, whole before the first key is handed out, and one per process', async () => {
    const vault = await open();
    expect(pools()).toHaveLength(1);
    expect(statSync(data(pools()[0])).size).toBe(256 * 64);
    expect([join(root, 'keys'), data(), data('staging')].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o700, 0o700, 0o700,
    ]);
    expect(statSync(data(pools()[0])).mode & 0o777).toBe(0o600);
    await vault.close();
    await (await open()).close();
    expect(pools()).toHaveLength(2);
  });

  it('are surveyed, open or not: live, destroyed and damaged records', async () => {
    expect(await FolderKeyVault.survey(join(root, 'keys'))).toEqual({ live: 0, destroyed: 0, damaged: [] });
    const vault = await open();
    const keyId = await vault.create('execution:1');
    await vault.destroy(await vault.create('execution:2'));
    expect(await FolderKeyVault.survey(join(root, 'keys'))).toEqual({ live: 255, destroyed: 1, damaged: [] });
    await vault.close();
    const { file, offset } = placeOf(keyId);
    const bytes = readFileSync(file);
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await FolderKeyVault.survey(join(root, 'keys'))).toEqual({ live: 254, destroyed: 1, damaged: [`${file} at offset ${offset}`] });
    truncateSync(file, 64);
    expect((await FolderKeyVault.survey(join(root, 'keys'))).damaged.length).toBeGreaterThanOrEqual(255);
  });

  it('name where a key lies, and say nothing about it', async () => {
    const vault = await open();
    const keyId = await vault.create('execution:1');
    const { file, offset, tag } = placeOf(keyId);
    const record = readFileSync(file).subarray(offset, offset + 64);
    expect(record.toString('hex', 32, 36)).toBe(tag);
    expect(record.toString('hex', 0, 32)).not.toContain(tag);
    await vault.close();
  });

  it('hold zeros where a key was destroyed, and the other keys as they were', async () => {
    const vault = await open();
    const [gone, kept] = [await vault.create('execution:1'), await vault.create('execution:2')];
    const derived = await vault.derive(kept, 'x');
    const { file, offset } = placeOf(gone);
    const before = readFileSync(file);
    await vault.destroy(gone);
    const after = readFileSync(file);
    expect(after.subarray(offset, offset + 32)).toEqual(Buffer.alloc(32));
    expect(after.subarray(0, offset)).toEqual(before.subarray(0, offset));
    expect(after.subarray(offset + 64)).toEqual(before.subarray(offset + 64));
    await vault.close();
    const again = await open();
    expect(await again.derive(kept, 'x')).toEqual(derived);
    await again.close();
  });

  it('are synced before a destruction is answered, also when it is repeated', async () => {
    const calls: string[] = [];
    const vault = await open({
      ...nodeDisk,
      open: async (path, flags, mode) => {
        const handle = await nodeDisk.open(path, flags, mode);
        const [write, sync] = [handle.write.bind(handle) as (...args: unknown[]) => Promise<never>, handle.sync.bind(handle)];
        handle.write = (...args: unknown[]) => (calls.push('write'), write(...args));
        handle.sync = () => (calls.push('sync'), sync());
        return handle;
      },
    });
    const keyId = await vault.create('execution:1');
    for (const _ of ['first', 'again']) {
      calls.length = 0;
      await vault.destroy(keyId);
      expect(calls).toEqual(['write', 'sync']);
    }
    await vault.close();
  });

  it('find every flipped bit of a record, and name file and offset', async () => {
    const vault = await open();
    const [keyId, other] = [await vault.create('execution:1'), await vault.create('execution:2')];
    const derived = await vault.derive(other, 'x');
    await vault.close();
    const { file, offset } = placeOf(keyId);
    const whole = readFileSync(file);
    const again = await open();
    for (let bit = 0; bit < 64 * 8; bit += 5) {
      const flipped = Buffer.from(whole);
      const at = offset + (bit >> 3);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(file, flipped);
      await expect(again.derive(keyId, 'x')).rejects.toMatchObject({
        code: 'KEY_DAMAGED',
        message: expect.stringContaining(`${file} at offset ${offset}`),
      });
    }
    expect(await again.derive(other, 'x')).toEqual(derived);
    await again.close();
  });

  it('are damaged where they were torn off, and only there', async () => {
    const vault = await open();
    const ids = await Promise.all(Array.from({ length: 256 }, () => vault.create('execution:1')));
    await vault.close();
    const bySlot = ids.filter((id) => id.slice(0, 10) === ids[0]?.slice(0, 10)).sort();
    const [first = '', last = ''] = [bySlot.at(0), bySlot.at(-1)];
    truncateSync(placeOf(last).file, placeOf(last).offset + 40);
    const again = await open();
    expect(await again.derive(first, 'x')).toHaveLength(32);
    await expect(again.derive(last, 'x')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    await again.close();
  });

  it('take no record for that of another slot or pool', async () => {
    const vault = await open();
    const [a, b] = [await vault.create('execution:1'), await vault.create('execution:2')];
    await vault.close();
    const bytes = readFileSync(placeOf(a).file);
    bytes.copyWithin(placeOf(a).offset, placeOf(b).offset, placeOf(b).offset + 64);
    writeFileSync(placeOf(a).file, bytes);
    const again = await open();
    await expect(again.derive(a, 'x')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    const swapped = `${a.slice(0, 14)}${placeOf(b).tag}`;
    await expect(again.derive(swapped, 'x')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    await again.close();
  });

  it('know no key whose id was guessed', async () => {
    const vault = await open();
    const keyId = await vault.create('execution:1');
    const guessed = `${keyId.slice(0, -8)}${placeOf(keyId).tag === '00000000' ? '00000001' : '00000000'}`;
    await vault.close();
    const again = await open();
    for (const use of [again.derive(guessed, 'x'), again.destroy(guessed)])
      await expect(use).rejects.toMatchObject({ code: 'KEY_MISSING' });
    expect(await again.derive(keyId, 'x')).toHaveLength(32);
    await again.close();
  });

  it('let a damaged key be destroyed for good', async () => {
    const vault = await open();
    const keyId = await vault.create('execution:1');
    await vault.close();
    const { file, offset } = placeOf(keyId);
    const bytes = readFileSync(file);
    bytes.fill(0x55, offset + 40, offset + 50);
    writeFileSync(file, bytes);
    const again = await open();
    await again.destroy(keyId);
    await expect(again.derive(keyId, 'x')).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    expect(readFileSync(file).subarray(offset, offset + 32)).toEqual(Buffer.alloc(32));
    await again.close();
  });

  it('never take the name of another pool', async () => {
    const vault = await open();
    await vault.create('execution:1');
    const [taken = ''] = pools();
    const before = readFileSync(data(taken));
    let draws = 0;
    const random = (count: number) =>
      Buffer.alloc(count, count === 4 && draws++ === 0 ? Buffer.from(taken.slice(5, 13), 'hex') : draws & 0xff);
    const keys = await createPool(nodeDisk, data(), data('staging'), random);
    expect(readFileSync(data(taken))).toEqual(before);
    expect(keys[0]?.keyId.slice(2, 10)).not.toBe(taken.slice(5, 13));
    expect(pools()).toHaveLength(2);
    await vault.close();
  });

  it('leave no drafts of a crashed process', async () => {
    await (await open()).close();
    writeFileSync(data('staging/draft-1'), 'keys nobody got');
    await (await open()).close();
    expect(readdirSync(data('staging'))).toEqual([]);
  });
});

describe('making keys ahead', () => {
  // Fails to open new drafts while `full`; counts attempts; waits for `gate` before it makes one.
  function fillingDisk(state: { full: boolean; attempts: number; gate?: Promise<void> }): Disk {
    return {
      ...nodeDisk,
      open: async (path, flags, mode) => {
        if (String(path).includes('draft-')) {
          state.attempts++;
          await state.gate;
          if (state.full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        }
        return nodeDisk.open(path, flags, mode);
      },
    };
  }

  it('hands out keys while the next pool is still being written', async () => {
    const state: Parameters<typeof fillingDisk>[0] = { full: false, attempts: 0 };
    const vault = await open(fillingDisk(state));
    let release = () => undefined as void;
    state.gate = new Promise((resolve) => (release = resolve));
    const first = await Promise.all(Array.from({ length: 256 }, () => vault.create('execution:1')));
    expect(state.attempts).toBe(2);
    const waiting = vault.create('execution:2');
    release();
    expect(new Set([...first, await waiting]).size).toBe(257);
    await vault.close();
  });

  it('says that the disk is full only when the keys at hand are used up, and goes on afterwards', async () => {
    const warnings: string[] = [];
    const state = { full: false, attempts: 0 };
    const vault = await open(fillingDisk(state), { log: (level, message) => level === 'warn' && warnings.push(message) });
    state.full = true;
    for (let i = 0; i < 256; i++) await vault.create('execution:1');
    await expect(vault.create('execution:2')).rejects.toMatchObject({ code: 'STORE_READ_ONLY', retryable: true });
    expect(warnings).toContain('no pool of data keys could be made ahead');
    state.full = false;
    expect(await vault.create('execution:2')).toMatch(/^k-/);
    await vault.close();
  });

  it('refuses to open on a full disk, retryable', async () => {
    await expect(open(fillingDisk({ full: true, attempts: 0 }))).rejects.toMatchObject({
      code: 'STORE_READ_ONLY',
      retryable: true,
    });
  });

  it('passes on what is no disk fault', async () => {
    const vault = await open({
      ...nodeDisk,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.keys')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
        return nodeDisk.open(path, flags, mode);
      },
    });
    await expect(vault.derive('k-00000000-00-00000000', 'x')).rejects.toMatchObject({ code: 'EACCES' });
    await vault.close();
  });
});

describe('keys in memory', () => {
  it('are bounded: an older key is read from its pool again', async () => {
    const vault = await FolderKeyVault.open(join(root, 'keys'), { recentKeysMax: 2 });
    const ids = await Promise.all(Array.from({ length: 5 }, () => vault.create('execution:1')));
    // one after the other: reads from disk that overlap end in any order
    const sealed: Uint8Array[] = [];
    for (const keyId of ids) sealed.push(await vault.seal({ keyId, eventId: EVENT, plaintext: Buffer.from(keyId) }));
    const [oldest = ''] = ids;
    expect(String(Buffer.from(await vault.open(oldest, EVENT, sealed[0] ?? Buffer.of())))).toBe(oldest);
    const { file } = placeOf(oldest);
    chmodSync(file, 0o600);
    writeFileSync(file, Buffer.alloc(256 * 64));
    // The two used last need no file; the others do.
    expect(await vault.derive(oldest, 'x')).toHaveLength(32);
    await expect(vault.derive(ids[1] ?? '', 'x')).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    await vault.close();
  });

  it('are not kept by a read that began before their destruction and ended after it', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let reading: () => void = () => undefined;
    const read = new Promise<void>((resolve) => (reading = resolve));
    // Holds back what was read from a pool until the gate opens.
    const slowDisk: Disk = {
      ...nodeDisk,
      open: async (path, flags, mode) => {
        const handle = await nodeDisk.open(path, flags, mode);
        if (flags !== 'r' || !String(path).endsWith('.keys')) return handle;
        const close = handle.close.bind(handle);
        handle.close = async () => {
          reading();
          await gate;
          await close();
        };
        return handle;
      },
    };
    const first = await open();
    const keyId = await first.create('execution:1');
    await first.close();
    const vault = await open(slowDisk);
    const overlapping = vault.derive(keyId, 'x');
    await read;
    await vault.destroy(keyId);
    release();
    expect(await overlapping).toHaveLength(32);
    await expect(vault.derive(keyId, 'x')).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    await vault.close();
  });

  it('do not outlive their destruction, whatever was being read meanwhile', async () => {
    const vault = await FolderKeyVault.open(join(root, 'keys'), { recentKeysMax: 1 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => vault.create('execution:1')));
    await Promise.all(
      ids.flatMap((id) => [
        vault.derive(id, 'x').catch(() => undefined),
        vault.destroy(id),
        vault.derive(id, 'x').catch(() => undefined),
      ]),
    );
    for (const id of ids) await expect(vault.derive(id, 'x')).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    await vault.close();
  });
});
