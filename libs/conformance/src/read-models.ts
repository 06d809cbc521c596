import type { CommandRow, ExecutionRow, WorkflowRow } from '@maestro/domain';
import { isFault, type FoldedBatch, type ListPage, type ReadModels, type Upserts } from '@maestro/ports';
import { conformanceSuite, type ConformanceCase, type ConformanceOptions } from './matrix.ts';

/** Read models with their own empty data, made by the binding for one case. */
export type ReadModelsHarness = {
  open(): Promise<ReadModels>;
  /** closes them and opens others on the same data; undefined: nothing is kept between openings */
  reopen?(): Promise<ReadModels>;
  dispose(): Promise<void>;
};
export type ReadModelsFactory = () => Promise<ReadModelsHarness>;
type Case = ConformanceCase<ReadModelsHarness>;

function run(n: number, more: Partial<ExecutionRow> = {}): ExecutionRow {
  const minute = String(n % 60).padStart(2, '0');
  return {
    id: `run-${n}`,
    workflowId: 'sample',
    version: '0.1.0',
    channel: 'stable',
    status: 'running',
    requestedAt: `2026-01-05T10:${minute}:00.000Z`,
    startedAt: null,
    finishedAt: null,
    actor: 'user:local',
    region: null,
    labels: {},
    resumedFrom: null,
    taskCount: 1,
    counts: null,
    costMicroUsd: null,
    receipt: null,
    appliedRevision: 0,
    appliedReceiptRevision: -1,
    ...more,
  };
}

const workflow: WorkflowRow = {
  id: 'sample',
  name: 'Sample',
  draftVersion: '0.1.0',
  stable: null,
  candidate: null,
  versions: [],
  labels: {},
  publication: null,
  updatedAt: '2026-01-05T10:00:00.000Z',
  appliedRevision: 0,
};

const command: CommandRow = {
  id: 'c'.repeat(64),
  type: 'execution.start.v1',
  stream: 'execution-1',
  revision: 0,
  at: '2026-01-05T10:00:00.000Z',
  actor: 'user:local',
  result: { executionId: '1' },
};

const batch = (cursor: string, upserts: Upserts, events = 1): FoldedBatch => ({ cursor, events, upserts });
const ids = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id);

const cases: readonly Case[] = [
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
      await views.apply(batch('c1', { execution: [run(1)], workflow: [workflow], command: [command] }));
      expect(await views.position()).toBe('c1');
      expect((await views.get('execution', ['run-1', 'run-2'])).get('run-1')).toEqual(run(1));
      expect((await views.get('workflow', ['sample'])).get('sample')).toEqual(workflow);
      expect((await views.get('command', [command.id])).get(command.id)).toEqual(command);
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
    name: 'lists-are-narrowed-by-any-field',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1), run(2, { workflowId: 'other' }), run(3, { status: 'failed', actor: 'user:x' })] }));
      expect(ids((await views.list('execution', { where: { workflowId: 'other' }, limit: 10 })).rows)).toEqual(['run-2']);
      expect(ids((await views.list('execution', { where: { workflowId: 'sample', status: 'failed' }, limit: 10 })).rows)).toEqual(['run-3']);
      expect(ids((await views.list('execution', { where: { actor: 'user:x' }, limit: 10 })).rows)).toEqual(['run-3']);
    },
  },
  {
    number: 7,
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
    number: 8,
    name: 'many-rows-in-one-transaction',
    async run(h) {
      const views = await h.open();
      const rows = Array.from({ length: 1_000 }, (_, n) => run(n));
      await views.apply(batch('c1', { execution: rows }));
      expect((await views.get('execution', ids(rows))).size).toBe(1_000);
    },
  },
  {
    number: 9,
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
    number: 10,
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
  conformanceSuite('read-models', adapter, cases, factory, o);
}
