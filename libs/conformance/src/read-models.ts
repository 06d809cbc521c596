import type { ExecutionRow } from '@maestro/domain';
import { isFault, type ListPage, type ReadModels } from '@maestro/ports';
import { conformanceSuite, type ConformanceOptions } from './matrix.ts';
import { auditEntry, batch, command, decision, ids, receipt, run, workflow, type ReadModelsCase, type ReadModelsFactory } from './read-models-harness.ts';
import { listCases } from './read-models-lists.ts';
import { rebuildCases } from './read-models-rebuild.ts';

const storageCases: readonly ReadModelsCase[] = [
  {
    number: 1,
    name: 'empty-has-no-position-and-no-rows',
    async run(h) {
      const views = await h.open();
      expect(await views.position()).toBeNull();
      expect(await views.list('execution', { limit: 10 })).toEqual({ rows: [], next: null });
      expect((await views.get('execution', ['run-1'])).size).toBe(0);
    },
  },
  {
    number: 2,
    name: 'apply-stores-rows-and-checkpoint-together',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)], workflow: [workflow], command: [command], decision: [decision(1)], audit: [auditEntry], receipt: [receipt] }));
      expect(await views.position()).toBe('c1');
      expect((await views.get('execution', ['run-1', 'run-2'])).get('run-1')).toEqual(run(1));
      expect((await views.get('workflow', ['sample'])).get('sample')).toEqual(workflow);
      expect((await views.get('command', [command.id])).get(command.id)).toEqual(command);
      expect((await views.get('decision', ['decision-1'])).get('decision-1')).toEqual(decision(1));
      expect((await views.get('audit', [auditEntry.id])).get(auditEntry.id)).toEqual(auditEntry);
      expect((await views.get('receipt', [receipt.id])).get(receipt.id)).toEqual(receipt);
    },
  },
  {
    number: 3,
    name: 'apply-replaces-by-id',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1)] }));
      await views.apply(batch('c2', { execution: [run(1, { status: 'succeeded', appliedRevision: 4 })] }));
      expect(ids((await views.list('execution', { limit: 10 })).rows)).toEqual(['run-1']);
      expect((await views.get('execution', ['run-1'])).get('run-1')?.status).toBe('succeeded');
    },
  },
  {
    number: 4,
    name: 'checkpoint-moves-without-rows',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c9', {}));
      expect(await views.position()).toBe('c9');
    },
  },
  {
    number: 5,
    name: 'lists-are-newest-first-and-page-without-gap-or-double',
    async run(h) {
      const views = await h.open();
      // two rows share each minute, so that the id has to break the tie
      await views.apply(batch('c1', { execution: Array.from({ length: 50 }, (_, n) => run(n, { requestedAt: `2026-01-05T10:${String(n >> 1).padStart(2, '0')}:00.000Z` })) }));
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page: ListPage<ExecutionRow> = await views.list('execution', { limit: 7, after });
        expect(page.rows.length).toBeLessThanOrEqual(7);
        seen.push(...page.rows.map((row) => `${row.requestedAt} ${row.id}`));
        after = page.next;
      } while (after !== null);
      expect(seen).toHaveLength(50);
      expect(new Set(seen).size).toBe(50);
      expect(seen.map((line) => line.slice(0, 24))).toEqual(seen.map((line) => line.slice(0, 24)).sort().reverse());
    },
  },
  {
    number: 6,
    name: 'foreign-page-cursor-is-refused',
    async run(h) {
      const views = await h.open();
      for (const after of ['nonsense', '', Buffer.from('[1,2]').toString('base64url')]) {
        const error: unknown = await views.list('execution', { limit: 1, after }).catch((e: unknown) => e);
        expect(isFault(error, 'CURSOR_INVALID')).toBe(true);
      }
    },
  },
  {
    number: 7,
    name: 'many-rows-in-one-transaction',
    async run(h) {
      const views = await h.open();
      const rows = Array.from({ length: 1_000 }, (_, n) => run(n));
      await views.apply(batch('c1', { execution: rows }));
      expect((await views.get('execution', ids(rows))).size).toBe(1_000);
    },
  },
  {
    number: 8,
    name: 'what-was-applied-is-there-after-reopening',
    needs: ['reopen'],
    async run(h) {
      await (await h.open()).apply(batch('c1', { execution: [run(1)] }));
      const again = await (h.reopen as () => Promise<ReadModels>)();
      expect(await again.position()).toBe('c1');
      expect((await again.get('execution', ['run-1'])).get('run-1')).toEqual(run(1));
    },
  },
  {
    number: 9,
    name: 'closed-is-closed',
    async run(h) {
      const views = await h.open();
      await views.close();
      await views.close();
      const error: unknown = await views.position().catch((e: unknown) => e);
      expect(isFault(error, 'STORE_CLOSED')).toBe(true);
    },
  },
];

/** The rules of the ReadModels port, as tests of one adapter. */
export function readModelsConformance(adapter: string, factory: ReadModelsFactory, o: ConformanceOptions = {}): void {
  conformanceSuite('read-models', adapter, [...storageCases, ...listCases, ...rebuildCases], factory, o);
}
