import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { FolderEvidenceStore } from './folder-evidence-store.ts';

let folder = '';
const packs = (name = '') => join(folder, 'packs', name);
const mode = (path: string) => statSync(path).mode & 0o777;
const item = (key: string, bytes: Uint8Array = Buffer.from(`bytes of ${key}`)) => ({ key, bytes });

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'evidence-')), 'data', 'evidence');
});
afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true }));

type Call = 'write' | 'sync' | 'truncate' | 'chmod';
type Plan = { fail?: { call: Call | 'open' | 'link'; path: string; code: string }; calls: string[] };

// The real disk, with one kind of call on one kind of path failing, and a record of what was synced.
function plannedDisk(plan: Plan): Disk {
  const check = (call: string, path: string) => {
    plan.calls.push(`${call} ${path.slice(folder.length)}`);
    if (plan.fail?.call === call && path.includes(plan.fail.path))
      throw Object.assign(new Error(plan.fail.code), { code: plan.fail.code });
  };
  const watch = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          check(String(name), path);
          return (await Reflect.apply(member, target, args)) as unknown;
        };
      },
    });
  return {
    ...nodeDisk,
    open: async (path, flags, fileMode) => {
      check('open', String(path));
      return watch(await nodeDisk.open(path, flags, fileMode), String(path));
    },
    link: async (from, to) => {
      check('link', String(to));
      await nodeDisk.link(from, to);
    },
  };
}

describe('evidence folder', () => {
  it('is private, and what is finished is read-only', async () => {
    const store = await FolderEvidenceStore.open(folder);
    const ref = await store.put(item('a/b'));
    await store.putMany([item('c')]);
    await store.hold(ref, true);
    expect([folder, packs(), join(folder, 'files'), join(folder, '..')].map(mode)).toEqual([0o700, 0o700, 0o700, 0o700]);
    expect(mode(join(folder, 'files', 'a+b'))).toBe(0o444);
    expect(mode(packs('000001.pack'))).toBe(0o600);
    await store.close();
    expect([packs('000001.pack'), packs('000001.idx')].map(mode)).toEqual([0o444, 0o444]);
    expect(readFileSync(join(folder, 'files', 'a+b'), 'utf8')).toBe('bytes of a/b');
  });

  it('groups calls that come during a commit into the next one, with one sync of the pack each', async () => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    plan.calls = [];
    const refs = await Promise.all(Array.from({ length: 50 }, (_, i) => store.putMany([item(`k/${i}`)])));
    expect(plan.calls.filter((call) => call === 'sync /packs/000001.pack')).toHaveLength(2);
    const offsets = refs.map(([ref]) => Number(ref?.location.split(':')[2]));
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    await store.close();
  });

  it('takes no more than its bound into one commit, but a larger call whole', async () => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan), commitBytesMax: 1_000 });
    plan.calls = [];
    const refs = await Promise.all([
      store.putMany([item('first')]),
      store.putMany([item('large', Buffer.alloc(5_000))]),
      store.putMany([item('small/1', Buffer.alloc(400))]),
      store.putMany([item('small/2', Buffer.alloc(400))]),
      store.putMany([item('small/3', Buffer.alloc(400))]),
    ]);
    expect(plan.calls.filter((call) => call === 'sync /packs/000001.pack')).toHaveLength(4);
    expect(await Promise.all(refs.map(async ([ref]) => ref && (await store.get(ref)).length))).toEqual([
      14, 5_000, 400, 400, 400,
    ]);
    await store.close();
  });

  it('answers a batch only after pack and folder are synced', async () => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    plan.calls = [];
    await store.putMany([item('a')]);
    const at = (call: string) => plan.calls.indexOf(call);
    expect(at('write /packs/000001.pack')).toBeLessThan(at('sync /packs/000001.pack'));
    expect(at('sync /packs/000001.pack')).toBeLessThan(at('sync /packs'));
    expect(at('sync /packs')).toBeGreaterThan(0);
    await store.close();
  });

  it('answers a single put only after file and folder are synced, also when the file was there', async () => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    for (const _ of ['new', 'again']) {
      plan.calls = [];
      await store.put(item('a'));
      const link = plan.calls.indexOf('link /files/a');
      expect(plan.calls.findIndex((call) => call.startsWith('sync /staging/draft-'))).toBeLessThan(link);
      expect(plan.calls.indexOf('sync /files')).toBeGreaterThan(link);
    }
    await store.close();
  });

  it('starts another pack past the size bound, and one per process', async () => {
    const open = () => FolderEvidenceStore.open(folder, { packBytesMax: 100 });
    const store = await open();
    const locations = [];
    for (const key of ['a', 'b', 'c', 'd', 'e']) locations.push((await store.putMany([item(key)]))[0]?.location.slice(0, 11));
    expect(locations).toEqual(['pack:000001', 'pack:000001', 'pack:000002', 'pack:000002', 'pack:000003']);
    expect(mode(packs('000002.pack'))).toBe(0o444);
    await store.close();
    const again = await open();
    expect((await again.putMany([item('f')]))[0]?.location).toMatch(/^pack:000004:/);
    expect(await again.putMany([item('a')])).toMatchObject([{ location: expect.stringMatching(/^pack:000001:0:/) }]);
    await again.close();
  });

  it('makes the pack of a crashed process durable before it believes it', async () => {
    const crashed = await FolderEvidenceStore.open(folder);
    const refs = await crashed.putMany([item('a')]);
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    expect(plan.calls).toEqual(expect.arrayContaining(['sync /packs/000001.pack', 'sync /packs']));
    expect(await store.putMany([item('a')])).toEqual(refs);
    await Promise.all([crashed.close(), store.close()]);
  });

  it('steps over a pack that another writer took', async () => {
    const [one, two] = [await FolderEvidenceStore.open(folder), await FolderEvidenceStore.open(folder)];
    const refs = [...(await one.putMany([item('a')])), ...(await two.putMany([item('b')]))];
    expect(refs.map(({ location }) => location.slice(0, 11))).toEqual(['pack:000001', 'pack:000002']);
    await Promise.all([one.close(), two.close()]);
  });

  it('remembers the newest keys up to its bound; an older one gets a second ref and keeps the first', async () => {
    const open = () => FolderEvidenceStore.open(folder, { recentKeysMax: 2, packBytesMax: 1 });
    let store = await open();
    const [a, b, c] = [await store.putMany([item('a')]), await store.putMany([item('b')]), await store.putMany([item('c')])];
    for (let round = 0; round < 2; round++) {
      expect([await store.putMany([item('b')]), await store.putMany([item('c')])]).toEqual([b, c]);
      await store.close();
      store = await open();
    }
    const [again] = await store.putMany([item('a')]);
    expect(again).not.toEqual(a[0]);
    for (const ref of [again, a[0]]) expect(ref && String(Buffer.from(await store.get(ref)))).toBe('bytes of a');
    await store.putMany([item('o/1'), item('o/2'), item('o/3')]);
    await store.close();
    store = await open();
    // The newest of a pack are remembered, and the oldest of them is forgotten first.
    const newest = await store.putMany([item('o/3')]);
    await store.putMany([item('o/4')]);
    expect(await store.putMany([item('o/3')])).toEqual(newest);
    expect(newest[0]?.location).not.toMatch(/:0:\d+$/);
    // More new keys in one call than are remembered.
    expect(new Set((await store.putMany(['x', 'y', 'z'].map((key) => item(key)))).map(({ location }) => location)).size).toBe(3);
    await store.close();
  });
});

describe('evidence on a full or failing disk', () => {
  const readOnly = { name: 'Fault', code: 'STORE_READ_ONLY', retryable: true };

  it.each<[string, NonNullable<Plan['fail']>]>([
    ['a full disk', { call: 'write', path: '.pack', code: 'ENOSPC' }],
    ['a failing sync', { call: 'sync', path: '.pack', code: 'EIO' }],
    ['a failing sync of the folder', { call: 'sync', path: '/packs', code: 'EIO' }],
    ['no pack', { call: 'open', path: '.pack', code: 'ENOSPC' }],
    ['no index', { call: 'open', path: '.idx', code: 'EDQUOT' }],
  ])('refuses a batch on %s, leaves nothing behind, and works again afterwards', async (_what, fail) => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    for (let attempt = 0; attempt < 3; attempt++) {
      plan.fail = fail;
      await expect(store.putMany([item('a')])).rejects.toMatchObject(readOnly);
      expect(readdirSync(packs())).toEqual([]);
    }
    delete plan.fail;
    const [ref] = await store.putMany([item('a')]);
    expect(ref?.location).toMatch(/^pack:000001:0:/);
    await store.close();
  });

  it('keeps acknowledged commits of a pack whose next write failed, and cuts the rest off', async () => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    const [a] = await store.putMany([item('a')]);
    const { size } = statSync(packs('000001.pack'));
    plan.fail = { call: 'sync', path: '.pack', code: 'EIO' };
    await expect(store.putMany([item('b')])).rejects.toMatchObject(readOnly);
    delete plan.fail;
    expect(statSync(packs('000001.pack')).size).toBe(size);
    expect((await store.putMany([item('b')]))[0]?.location).toMatch(/^pack:000002:0:/);
    await store.close();
    const again = await FolderEvidenceStore.open(folder);
    expect(again.findings).toEqual([]);
    expect(await again.putMany([item('a')])).toEqual([a]);
    expect(mode(packs('000001.pack'))).toBe(0o444);
    await again.close();
  });

  it('never believes an index that lost a line', async () => {
    const plan: Plan = { calls: [] };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    plan.fail = { call: 'write', path: '.idx', code: 'ENOSPC' };
    const [a] = await store.putMany([item('a')]);
    delete plan.fail;
    const [b] = await store.putMany([item('b')]);
    await store.close();
    const again = await FolderEvidenceStore.open(folder);
    expect(await again.putMany([item('a'), item('b')])).toEqual([a, b]);
    await again.close();
  });

  it('acknowledges a commit whose pack could not be sealed', async () => {
    const plan: Plan = { calls: [], fail: { call: 'chmod', path: '.pack', code: 'EIO' } };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan), packBytesMax: 1 });
    const [a] = await store.putMany([item('a')]);
    await store.close();
    const again = await FolderEvidenceStore.open(folder);
    expect(await again.putMany([item('a')])).toEqual([a]);
    await again.close();
  });

  it.each<[string, NonNullable<Plan['fail']>]>([
    ['a full disk', { call: 'write', path: 'draft-', code: 'ENOSPC' }],
    ['a failing sync', { call: 'sync', path: 'draft-', code: 'EIO' }],
    ['no new name', { call: 'link', path: '/files/a', code: 'ENOSPC' }],
    ['a failing note of its retention', { call: 'sync', path: 'retain', code: 'EROFS' }],
  ])('refuses a single put on %s and stores nothing', async (_what, fail) => {
    const plan: Plan = { calls: [], fail };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    const put = () => store.put({ ...item('a'), retainUntil: '2031-01-05T10:00:00.123Z' });
    await expect(put()).rejects.toMatchObject(readOnly);
    expect(readdirSync(join(folder, 'files'))).toEqual([]);
    delete plan.fail;
    expect((await store.head(await put()))?.retainUntil).toBe('2031-01-05T10:00:00.123Z');
    await store.close();
  });

  it('says so when it cannot be opened', async () => {
    const plan: Plan = { calls: [], fail: { call: 'open', path: '/data', code: 'EIO' } };
    await expect(FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) })).rejects.toMatchObject(readOnly);
  });

  it('passes on what is no disk fault', async () => {
    const plan: Plan = { calls: [], fail: { call: 'open', path: '.pack', code: 'EACCES' } };
    const store = await FolderEvidenceStore.open(folder, { disk: plannedDisk(plan) });
    await expect(store.putMany([item('a')])).rejects.toMatchObject({ code: 'EACCES' });
    await expect(store.get({ digest: '0'.repeat(64), location: 'pack:000001:0:1' })).rejects.toMatchObject({ code: 'EACCES' });
    await store.close();
  });
});
