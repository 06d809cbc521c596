import { createHash } from 'node:crypto';
import type { EvidenceItem, EvidenceRef, EvidenceStore } from '@maestro/ports';
import { findCases } from './evidence-store-find.ts';
import type { EvidenceStoreHarness } from './evidence-store-harness.ts';
import { conformanceSuite } from './matrix.ts';
import type { ConformanceCase, ConformanceOptions } from './matrix.ts';

/** The rules of the EvidenceStore port, for every adapter. */
export function evidenceStoreConformance(
  adapter: string,
  factory: () => Promise<EvidenceStoreHarness>,
  o: ConformanceOptions = {},
): void {
  conformanceSuite('evidence-store', adapter, [...singleCases, ...batchCases, ...lookupCases, ...lifeCases, ...findCases], factory, o);
}

function item(key: string, text: string, retainUntil?: string): EvidenceItem {
  const bytes = Buffer.from(text);
  return retainUntil === undefined ? { key, bytes } : { key, bytes, retainUntil };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const text = async (store: EvidenceStore, ref: EvidenceRef): Promise<string> => Buffer.from(await store.get(ref)).toString();
const fault = (code: string): object => expect.objectContaining({ name: 'Fault', code }) as object;

type Rule = ConformanceCase<EvidenceStoreHarness>;

const singleCases: readonly Rule[] = [
  {
    number: 1,
    name: 'put-get-roundtrip',
    async run({ store }) {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff);
      const ref = await store.put({ key: 'receipts/r1/bundle.json', bytes });
      expect(ref.digest).toBe(sha256(bytes));
      expect(Buffer.from(await store.get(ref)).equals(bytes)).toBe(true);
    },
  },
  {
    number: 2,
    name: 'put-empty-bytes',
    async run({ store }) {
      const ref = await store.put(item('empty', ''));
      expect(await text(store, ref)).toBe('');
      expect((await store.head(ref))?.sizeBytes).toBe(0);
    },
  },
  {
    number: 3,
    name: 'put-keeps-its-own-copy',
    async run({ store }) {
      const bytes = Buffer.from('before');
      const ref = await store.put({ key: 'copy', bytes });
      bytes.write('after!');
      expect(await text(store, ref)).toBe('before');
      (await store.get(ref)).fill(0);
      expect(await text(store, ref)).toBe('before');
    },
  },
  {
    number: 4,
    name: 'put-same-again-answers-same-ref',
    async run({ store }) {
      const first = await store.put(item('a/b', 'one'));
      expect(await store.put(item('a/b', 'one'))).toEqual(first);
    },
  },
  {
    number: 5,
    name: 'put-other-bytes-refused',
    async run({ store }) {
      const ref = await store.put(item('a/b', 'one'));
      await expect(store.put(item('a/b', 'two'))).rejects.toEqual(fault('EVIDENCE_EXISTS'));
      expect(await text(store, ref)).toBe('one');
    },
  },
  {
    number: 6,
    name: 'put-concurrent-same-key-one-winner',
    async run({ store }) {
      const outcomes = await Promise.allSettled(['x', 'y', 'z'].map((value) => store.put(item('race', value))));
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(won).toHaveLength(1);
      const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
      expect(won[0]?.value.digest).toBe(sha256(Buffer.from(['x', 'y', 'z'][winner] ?? '')));
      for (const lost of outcomes.filter((outcome) => outcome.status === 'rejected')) {
        expect(lost.reason).toEqual(fault('EVIDENCE_EXISTS'));
      }
    },
  },
  {
    number: 7,
    name: 'keys-that-look-alike-stay-apart',
    async run({ store }) {
      const keys = ['a', 'a/b', 'a.b', 'a-b', 'a_b', 'a/b/c', 'ab'];
      const refs = await Promise.all(keys.map((key) => store.put(item(key, `of ${key}`))));
      expect(await Promise.all(refs.map((ref) => text(store, ref)))).toEqual(keys.map((key) => `of ${key}`));
    },
  },
  {
    number: 8,
    name: 'bad-key-refused',
    async run({ store }) {
      for (const key of ['', '../up', 'a/../../up', '/etc/x', 'a//b', 'a/', '.', 'Upper', 'sp ace', 'a\0b', 'a'.repeat(201)]) {
        await expect(store.put(item(key, 'x'))).rejects.toEqual(expect.objectContaining({ name: 'RangeError' }));
        await expect(store.putMany([item('fine', 'x'), item(key, 'x')])).rejects.toEqual(
          expect.objectContaining({ name: 'RangeError' }),
        );
      }
      // Nothing of a refused batch was kept: the key is still free for other bytes.
      await store.put(item('fine', 'other'));
    },
  },
];

const batchCases: readonly Rule[] = [
  {
    number: 9,
    name: 'put-many-refs-in-order',
    async run({ store }) {
      const items = Array.from({ length: 300 }, (_, i) => item(`batch/${i}`, `value ${i}`));
      const refs = await store.putMany(items);
      expect(refs.map((ref) => ref.digest)).toEqual(items.map(({ bytes }) => sha256(bytes)));
      expect(new Set(refs.map((ref) => ref.location)).size).toBe(300);
      expect(await Promise.all(refs.map((ref) => text(store, ref)))).toEqual(items.map(({ bytes }) => String(bytes)));
    },
  },
  {
    number: 10,
    name: 'put-many-of-nothing',
    async run({ store }) {
      expect(await store.putMany([])).toEqual([]);
    },
  },
  {
    number: 11,
    name: 'put-many-same-again-answers-same-refs',
    async run({ store }) {
      const [first] = await store.putMany([item('m/1', 'one')]);
      const again = await store.putMany([item('m/0', 'zero'), item('m/1', 'one'), item('m/1', 'one')]);
      expect(again[1]).toEqual(first);
      expect(again[2]).toEqual(first);
    },
  },
  {
    number: 12,
    name: 'put-many-all-or-nothing',
    async run({ store }) {
      await store.putMany([item('m/1', 'one')]);
      await expect(store.putMany([item('m/2', 'two'), item('m/1', 'other')])).rejects.toEqual(fault('EVIDENCE_EXISTS'));
      await expect(store.putMany([item('m/3', 'a'), item('m/3', 'b')])).rejects.toEqual(fault('EVIDENCE_EXISTS'));
      const [two, three] = await store.putMany([item('m/2', 'free'), item('m/3', 'free too')]);
      expect(two?.digest).toBe(sha256(Buffer.from('free')));
      expect(three?.digest).toBe(sha256(Buffer.from('free too')));
    },
  },
  {
    number: 13,
    name: 'put-many-concurrent-calls-keep-apart',
    async run({ store }) {
      const calls = Array.from({ length: 40 }, (_, c) =>
        store.putMany(Array.from({ length: 5 }, (__, i) => item(`c/${c}/${i}`, `${c}:${i}`))),
      );
      const conflicts = ['c/0/0', 'c/20/0', 'c/39/4'].map((key) => store.putMany([item('free', 'x'), item(key, 'other')]));
      const repeat = store.putMany([item('c/39/4', '39:4'), item('free', 'y')]);
      for (const outcome of await Promise.allSettled(conflicts))
        expect(outcome).toMatchObject({ reason: fault('EVIDENCE_EXISTS') });
      expect((await repeat)[0]).toEqual((await calls[39])?.[4]);
      for (const [c, refs] of (await Promise.all(calls)).entries()) {
        expect(await Promise.all(refs.map((ref) => text(store, ref)))).toEqual([0, 1, 2, 3, 4].map((i) => `${c}:${i}`));
      }
    },
  },
  {
    number: 14,
    name: 'put-and-put-many-share-keys',
    async run({ store }) {
      const single = await store.put(item('shared/1', 'one'));
      const [packed] = await store.putMany([item('shared/2', 'two')]);
      expect(await store.putMany([item('shared/1', 'one')])).toEqual([single]);
      expect(await store.put(item('shared/2', 'two'))).toEqual(packed);
      await expect(store.putMany([item('shared/1', 'other')])).rejects.toEqual(fault('EVIDENCE_EXISTS'));
      await expect(store.put(item('shared/2', 'other'))).rejects.toEqual(fault('EVIDENCE_EXISTS'));
    },
  },
];

const lookupCases: readonly Rule[] = [
  {
    number: 15,
    name: 'head-says-digest-size-retention',
    async run({ store }) {
      const until = '2031-01-05T10:00:00.123Z';
      const single = await store.put(item('h/1', 'four', until));
      const [packed, plain] = await store.putMany([item('h/2', 'seven!!', until), item('h/3', 'x')]);
      const expected = { held: false, retainUntil: until };
      expect(await store.head(single)).toEqual({ ...expected, digest: single.digest, sizeBytes: 4 });
      expect(packed && (await store.head(packed))).toEqual({ ...expected, digest: packed?.digest, sizeBytes: 7 });
      expect(plain && (await store.head(plain))?.retainUntil).toBeNull();
    },
  },
  {
    number: 16,
    name: 'missing-is-a-fault-on-get-and-null-on-head',
    async run({ store }) {
      const ref = await store.put(item('there', 'x'));
      const [packed] = await store.putMany([item('packed', 'x')]);
      const foreign = [ref, packed ?? ref].map(({ location, digest }) => ({
        digest,
        location: location.replace(/there|\d/g, '7'),
      }));
      for (const missing of [...foreign, { digest: ref.digest, location: 'nowhere' }, { digest: ref.digest, location: '' }]) {
        await expect(store.get(missing)).rejects.toEqual(fault('EVIDENCE_MISSING'));
        expect(await store.head(missing)).toBeNull();
      }
    },
  },
  {
    number: 17,
    name: 'get-with-another-digest-refused',
    async run({ store }) {
      const ref = await store.put(item('there', 'x'));
      const [packed] = await store.putMany([item('packed', 'x')]);
      for (const { location } of [ref, packed ?? ref]) {
        const read = store.get({ location, digest: '0'.repeat(64) });
        await expect(read).rejects.toEqual(
          expect.objectContaining({ code: expect.stringMatching(/^EVIDENCE_(MISSING|DAMAGED)$/) }),
        );
      }
    },
  },
  {
    number: 18,
    name: 'hold-on-and-off-idempotent',
    async run({ store }) {
      const single = await store.put(item('held/1', 'x'));
      const [packed, other] = await store.putMany([item('held/2', 'x'), item('held/3', 'x')]);
      for (const ref of [single, packed ?? single]) {
        for (const on of [true, true, false, false, true]) {
          await store.hold(ref, on);
          expect((await store.head(ref))?.held).toBe(on);
        }
      }
      expect(other && (await store.head(other))?.held).toBe(false);
    },
  },
  {
    number: 19,
    name: 'hold-of-missing-refused',
    async run({ store }) {
      await expect(store.hold({ digest: '0'.repeat(64), location: 'nowhere' }, true)).rejects.toEqual(fault('EVIDENCE_MISSING'));
    },
  },
  {
    number: 20,
    name: 'flipped-bit-is-damage',
    needs: ['damage'],
    async run({ store, damage }) {
      const single = await store.put(item('flip/1', 'some bytes'));
      const [packed, beside] = await store.putMany([item('flip/2', 'other bytes'), item('flip/3', 'beside')]);
      for (const ref of [single, packed ?? single]) {
        await damage?.(ref);
        await expect(store.get(ref)).rejects.toEqual(fault('EVIDENCE_DAMAGED'));
      }
      expect(beside && (await text(store, beside))).toBe('beside');
    },
  },
];

const lifeCases: readonly Rule[] = [
  {
    number: 21,
    name: 'acknowledged-evidence-survives-reopen',
    needs: ['reopen'],
    async run({ store, reopen }) {
      const single = await store.put(item('s/1', 'one', '2031-01-05T10:00:00.123Z'));
      const packed = await store.putMany([item('s/2', 'two'), item('s/3', 'three')]);
      await store.hold(single, true);
      const again = await reopen?.();
      if (again === undefined) throw new Error('the binding has no reopen');
      expect(await Promise.all([single, ...packed].map((ref) => text(again, ref)))).toEqual(['one', 'two', 'three']);
      expect(await again.head(single)).toMatchObject({ held: true, retainUntil: '2031-01-05T10:00:00.123Z' });
      expect(await again.putMany([item('s/3', 'three')])).toEqual([packed[1]]);
      await expect(again.putMany([item('s/2', 'other')])).rejects.toEqual(fault('EVIDENCE_EXISTS'));
      await expect(again.put(item('s/1', 'other'))).rejects.toEqual(fault('EVIDENCE_EXISTS'));
    },
  },
  {
    number: 22,
    name: 'closed-store-refuses-everything',
    async run({ store }) {
      const ref = await store.put(item('c', 'x'));
      const running = store.putMany([item('c/1', 'x')]);
      await store.close();
      await store.close();
      expect(await running).toHaveLength(1);
      const calls = [
        store.put(item('d', 'x')),
        store.putMany([item('e', 'x')]),
        store.get(ref),
        store.find('c'),
        store.head(ref),
        store.hold(ref, true),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toEqual({ status: 'rejected', reason: fault('STORE_CLOSED') });
      }
    },
  },
];
