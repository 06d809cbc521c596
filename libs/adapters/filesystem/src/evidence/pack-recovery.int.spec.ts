import type { Log } from '@maestro/ports';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderEvidenceStore } from './folder-evidence-store.ts';

let folder = '';
const packs = (name = '') => join(folder, 'packs', name);
const items = (...keys: string[]) => keys.map((key) => ({ key, bytes: Buffer.from(`bytes of ${key}`) }));
const read = async (store: FolderEvidenceStore, ref: { digest: string; location: string } | undefined) =>
  String(ref && Buffer.from(await store.get(ref)));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evidence-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

// A process that died: its pack has commits, its index no seal line, its files are still writable.
async function crashAfter(...keys: string[]) {
  const store = await FolderEvidenceStore.open(folder);
  const refs = await store.putMany(items(...keys));
  const [data, index] = [readFileSync(packs('000001.pack')), readFileSync(packs('000001.idx'))];
  await store.close();
  for (const [name, bytes] of [
    ['000001.pack', data],
    ['000001.idx', index],
  ] as const) {
    chmodSync(packs(name), 0o600);
    writeFileSync(packs(name), bytes);
  }
  return refs;
}

describe('evidence packs after a crash', () => {
  it('keeps the commits, reports the torn tail with file and offset, and never appends to that pack', async () => {
    const refs = await crashAfter('a', 'b');
    const { size } = statSync(packs('000001.pack'));
    appendFileSync(packs('000001.pack'), readFileSync(packs('000001.pack')).subarray(0, 55));
    const logged: unknown[] = [];
    const log: Log = { log: (level, _message, fields) => logged.push({ level, ...fields }) };

    const store = await FolderEvidenceStore.open(folder, { log });
    const finding = { file: packs('000001.pack'), kind: 'torn-tail', offset: size, bytes: 55 };
    // A head of 49 bytes, and a body without its end.
    expect(store.findings).toEqual([finding]);
    expect(logged).toEqual([{ level: 'warn', ...finding }]);
    expect(await Promise.all(refs.map((ref) => read(store, ref)))).toEqual(['bytes of a', 'bytes of b']);
    expect(await store.putMany(items('b'))).toEqual([refs[1]]);
    const [fresh] = await store.putMany(items('c'));
    expect(fresh?.location).toMatch(/^pack:000002:0:/);
    expect(statSync(packs('000001.pack')).size).toBe(size + 55);
    await store.close();

    const again = await FolderEvidenceStore.open(folder);
    expect(again.findings).toEqual([finding]);
    await again.close();
  });

  it.each([1, 47, 48, 57, 60])('tells a tail of %i bytes from a record', async (bytes) => {
    const [ref] = await crashAfter('a');
    const whole = readFileSync(packs('000001.pack'));
    appendFileSync(packs('000001.pack'), whole.subarray(0, Math.min(bytes, whole.length - 1)));
    const store = await FolderEvidenceStore.open(folder);
    expect(store.findings).toMatchObject([{ kind: 'torn-tail', offset: whole.length }]);
    expect(await read(store, ref)).toBe('bytes of a');
    await store.close();
  });

  it('takes no pack for whole whose tail is zeros, as some file systems leave it', async () => {
    await crashAfter('a');
    const { size } = statSync(packs('000001.pack'));
    truncateSync(packs('000001.pack'), size + 4_096);
    const store = await FolderEvidenceStore.open(folder);
    expect(store.findings).toMatchObject([{ kind: 'torn-tail', offset: size, bytes: 4_096 }]);
    await store.close();
  });

  it.each([
    ['is missing', () => rmSync(packs('000001.idx'))],
    ['is cut', () => truncateSync(packs('000001.idx'), 20)],
    ['was changed', () => writeFileSync(packs('000001.idx'), readFileSync(packs('000001.idx'), 'utf8').replace('+ 0', '+ 1'))],
    ['goes on after its end', () => appendFileSync(packs('000001.idx'), readFileSync(packs('000001.idx')))],
  ])('rebuilds an index that %s from its pack', async (_how, harm) => {
    const store = await FolderEvidenceStore.open(folder);
    const refs = await store.putMany(items('a', 'b'));
    await store.close();
    const whole = readFileSync(packs('000001.idx'), 'utf8');
    chmodSync(packs('000001.idx'), 0o600);
    harm();
    const again = await FolderEvidenceStore.open(folder);
    expect(readFileSync(packs('000001.idx'), 'utf8')).toBe(whole);
    expect(await again.putMany(items('b', 'a'))).toEqual(refs.toReversed());
    expect(again.findings).toEqual([]);
    await again.close();
  });

  it('goes on after a damaged record when it rebuilds, and names it', async () => {
    const refs = await crashAfter('a', 'b', 'c');
    const bytes = readFileSync(packs('000001.pack'));
    const at = bytes.indexOf('bytes of b');
    bytes[at] = 0;
    writeFileSync(packs('000001.pack'), bytes);
    const store = await FolderEvidenceStore.open(folder);
    const start = Number(refs[1]?.location.split(':')[2]);
    expect(store.findings).toEqual([{ file: packs('000001.pack'), kind: 'damaged-record', offset: start, bytes: 48 + 1 + 10 }]);
    expect([await read(store, refs[0]), await read(store, refs[2])]).toEqual(['bytes of a', 'bytes of c']);
    await expect(read(store, refs[1])).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    await store.close();
  });

  it('removes drafts of single files and keeps the note of a put that never finished out of sight', async () => {
    const store = await FolderEvidenceStore.open(folder);
    writeFileSync(join(folder, 'staging', 'draft-1'), 'half');
    writeFileSync(join(folder, 'retain', 'a'), `${'0'.repeat(64)} 2031-01-05T10:00:00.123Z`);
    await store.close();
    const again = await FolderEvidenceStore.open(folder);
    expect(readdirSync(join(folder, 'staging'))).toEqual([]);
    const ref = await again.put({ key: 'a', bytes: Buffer.from('x') });
    expect((await again.head(ref))?.retainUntil).toBeNull();
    await again.close();
  });
});

describe('damage in stored evidence', () => {
  it('finds every flipped bit of a record, or serves what was stored, and names file and offset', async () => {
    const store = await FolderEvidenceStore.open(folder);
    await store.putMany(items('before'));
    const [ref] = await store.putMany([
      { key: 'k/1', bytes: Buffer.from('the evidence'), retainUntil: '2031-01-05T10:00:00.123Z' },
    ]);
    await store.close();
    const offset = Number(ref?.location.split(':')[2]);
    const whole = readFileSync(packs('000001.pack'));
    chmodSync(packs('000001.pack'), 0o600);
    const again = await FolderEvidenceStore.open(folder);
    for (let at = offset; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(packs('000001.pack'), flipped);
      await expect(read(again, ref)).rejects.toMatchObject({
        code: 'EVIDENCE_DAMAGED',
        message: expect.stringContaining(`${packs('000001.pack')} at offset ${offset}`),
      });
    }
    await again.close();
  });

  it('calls a pack that lost its end damaged, not missing', async () => {
    const store = await FolderEvidenceStore.open(folder);
    const [first, last] = await store.putMany(items('a', 'b'));
    await store.close();
    chmodSync(packs('000001.pack'), 0o600);
    for (const size of [
      statSync(packs('000001.pack')).size - 1,
      Number(last?.location.split(':')[2]) + 20,
      Number(last?.location.split(':')[2]),
    ]) {
      truncateSync(packs('000001.pack'), size);
      const again = await FolderEvidenceStore.open(folder);
      await expect(read(again, last)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
      expect(await read(again, first)).toBe('bytes of a');
      await again.close();
    }
  });

  it('names a damaged file in get and in head', async () => {
    const store = await FolderEvidenceStore.open(folder);
    const ref = await store.put({ key: 'receipts/r1', bytes: Buffer.from('whole') });
    const path = join(folder, 'files', 'receipts+r1');
    chmodSync(path, 0o600);
    writeFileSync(path, 'whale');
    const fault = { code: 'EVIDENCE_DAMAGED', message: expect.stringContaining(path) };
    await expect(store.get(ref)).rejects.toMatchObject(fault);
    await expect(store.head(ref)).rejects.toMatchObject(fault);
    await expect(store.hold(ref, true)).rejects.toMatchObject(fault);
    await store.close();
  });
});
