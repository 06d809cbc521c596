import { createHash } from 'node:crypto';
import type { EvidenceItem } from '@maestro/ports';
import type { EvidenceStoreHarness } from './evidence-store-harness.ts';
import type { ConformanceCase } from './matrix.ts';

const item = (key: string, text: string): EvidenceItem => ({ key, bytes: Buffer.from(text) });

/** Cases about looking evidence up by its key. */
export const findCases: readonly ConformanceCase<EvidenceStoreHarness>[] = [
  {
    number: 23,
    name: 'find-answers-the-ref-of-a-key',
    async run({ store }) {
      const digest = createHash('sha256').update('moved here').digest('hex');
      const refs = [await store.put(item('f/1', 'one')), await store.put(item(`moved/${digest}`, 'moved here'))];
      const [packed] = await store.putMany([item('f/2', 'two')]);
      expect(await store.find('f/1')).toEqual(refs[0]);
      expect(await store.find(`moved/${digest}`)).toEqual(refs[1]);
      expect(await store.find('f/2')).toEqual(packed);
    },
  },
  {
    number: 24,
    name: 'find-of-nothing-is-null',
    async run({ store }) {
      await store.put(item('g/1', 'one'));
      for (const key of ['g', 'g/1/x', 'g/10', 'nowhere']) expect(await store.find(key)).toBeNull();
      await expect(store.find('../up')).rejects.toEqual(expect.objectContaining({ name: 'RangeError' }));
    },
  },
  {
    number: 25,
    name: 'find-after-reopen',
    needs: ['reopen'],
    async run({ store, reopen }) {
      const ref = await store.put(item('r/1', 'one'));
      const again = await reopen?.();
      if (again === undefined) throw new Error('the binding has no reopen');
      expect(await again.find('r/1')).toEqual(ref);
      expect(await again.find('r/2')).toBeNull();
    },
  },
];
