import { isFault, type ReadModels } from '@maestro/ports';
import { batch, decision, ids, run, type ReadModelsCase } from './read-models-harness.ts';

const executions = async (views: ReadModels): Promise<string[]> => ids((await views.list('execution', { limit: 200, order: 'asc' })).rows);

/** New tables beside those that are served. */
export const rebuildCases: readonly ReadModelsCase[] = [
  {
    number: 15,
    name: 'what-is-filled-is-not-seen-before-the-swap-and-all-of-it-after',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)], decision: [decision(1)] }, 4));
      await views.beginRebuild(7);
      await views.apply(batch('d1', { execution: [run(2, { labels: { team: 'a' } })] }, 5), 'filling');
      await views.apply(batch('c2', { execution: [run(3)] }, 1));
      expect([await executions(views), await views.position(), await views.position('filling')]).toEqual([['run-1', 'run-3'], 'c2', 'd1']);
      expect(ids([...(await views.get('execution', ['run-1', 'run-2', 'run-3'], 'filling')).values()])).toEqual(['run-2']);
      expect(await views.status()).toEqual({ served: { projection: null, position: 'c2', events: 5 }, filling: { projection: 7, position: 'd1', events: 5 }, rebuildRequested: false });
      await views.swap();
      expect([await executions(views), await views.position()]).toEqual([['run-2'], 'd1']);
      expect((await views.list('execution', { tags: ['team:a'], limit: 1 })).rows).toHaveLength(1);
      expect((await views.list('decision', { limit: 1 })).rows).toEqual([]);
      expect(await views.status()).toEqual({ served: { projection: 7, position: 'd1', events: 5 }, filling: null, rebuildRequested: false });
    },
  },
  {
    number: 16,
    name: 'what-is-being-filled-is-kept-for-the-same-rules-and-begun-again-for-others',
    async run(h) {
      const views = await h.open();
      await views.beginRebuild(7);
      await views.apply(batch('d1', { execution: [run(1)] }), 'filling');
      await views.beginRebuild(7);
      expect(await views.position('filling')).toBe('d1');
      await views.beginRebuild(8);
      expect([await views.position('filling'), (await views.get('execution', ['run-1'], 'filling')).size]).toEqual([null, 0]);
    },
  },
  {
    number: 17,
    name: 'reset-empties-both-sides',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)] }));
      await views.beginRebuild(2);
      await views.reset(3);
      expect([await executions(views), await views.status()]).toEqual([[], { served: { projection: 3, position: null, events: 0 }, filling: null, rebuildRequested: false }]);
    },
  },
  {
    number: 18,
    name: 'nothing-filled-cannot-be-swapped-in',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)] }));
      await expect(views.swap()).rejects.toThrow('beginRebuild comes first');
      expect(await executions(views)).toEqual(['run-1']);
    },
  },
  {
    number: 19,
    name: 'a-request-is-heard-once-and-kept-until-the-swap',
    async run(h) {
      const views = await h.open();
      const [stop, gone] = [new AbortController(), new AbortController()];
      const [heard, gaveUp] = [views.rebuildRequested(stop.signal), views.rebuildRequested(gone.signal)];
      gone.abort();
      expect(await gaveUp).toBe(false);
      await views.requestRebuild();
      await views.requestRebuild();
      expect([await heard, await views.rebuildRequested(stop.signal), (await views.status()).rebuildRequested]).toEqual([true, true, true]);
      await views.beginRebuild(1);
      expect((await views.status()).rebuildRequested).toBe(true);
      await views.swap();
      expect((await views.status()).rebuildRequested).toBe(false);
    },
  },
  {
    number: 20,
    name: 'what-is-being-filled-and-a-request-are-there-after-reopening',
    needs: ['reopen'],
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)] }));
      await views.requestRebuild();
      await views.beginRebuild(7);
      await views.apply(batch('d1', { execution: [run(2)] }, 3), 'filling');
      const again = await (h.reopen as () => Promise<ReadModels>)();
      expect(await again.status()).toEqual({ served: { projection: null, position: 'c1', events: 1 }, filling: { projection: 7, position: 'd1', events: 3 }, rebuildRequested: true });
      await again.swap();
      const third = await (h.reopen as () => Promise<ReadModels>)();
      expect([await executions(third), (await third.status()).filling]).toEqual([['run-2'], null]);
    },
  },
  {
    number: 21,
    name: 'a-replaced-writer-writes-nothing',
    async run(h) {
      const views = await h.open();
      await views.apply({ ...batch('c1', { execution: [run(1)] }), expected: null });
      await views.apply({ ...batch('c2', {}), expected: 'c1' });
      const late = await views.apply({ ...batch('c2', { execution: [run(2)] }), expected: 'c1' }).catch((e: unknown) => e);
      expect([isFault(late, 'STATE_MOVED'), await views.position(), await executions(views)]).toEqual([true, 'c2', ['run-1']]);
    },
  },
  {
    number: 22,
    name: 'tables-that-moved-on-are-not-swapped-out',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)] }));
      await views.beginRebuild(7);
      await views.apply(batch('c1', { execution: [run(2)] }), 'filling');
      await views.apply(batch('c2', { execution: [run(3)] }));
      const late = await views.swap('c1').catch((e: unknown) => e);
      expect([isFault(late, 'STATE_MOVED'), await executions(views)]).toEqual([true, ['run-1', 'run-3']]);
      await views.swap('c2');
      expect(await executions(views)).toEqual(['run-2']);
      const gone = [await views.swap('c1').catch((e: unknown) => e), await views.apply(batch('c2', {}), 'filling').catch((e: unknown) => e)];
      expect(gone.map((error) => isFault(error, 'STATE_MOVED'))).toEqual([true, true]);
    },
  },
];
