import type { ExecutionRow } from '@maestro/domain';
import { LISTS, TABLES, isFault, type ListPage, type ListQuery, type ReadModels, type Rows, type TableName } from '@maestro/ports';
import fc from 'fast-check';
import { auditEntry, batch, command, decision, ids, receipt, run, workflow, type ReadModelsCase } from './read-models-harness.ts';

async function listed<T extends TableName>(views: ReadModels, table: T, query: Omit<ListQuery<T>, 'limit'>): Promise<string[]> {
  return ids((await views.list(table, { ...query, limit: 200 } as ListQuery<T>)).rows);
}

/** Every page of a list, one after the other. */
async function allPages(views: ReadModels, query: ListQuery<'execution'>): Promise<string[]> {
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: ListPage<ExecutionRow> = await views.list('execution', { ...query, after });
    expect(page.rows.length).toBeLessThanOrEqual(query.limit);
    seen.push(...ids(page.rows));
    after = page.next;
  } while (after !== null);
  return seen;
}

const SAMPLES: { readonly [T in TableName]: Rows[T] } = { execution: run(1), workflow, command, decision: decision(1), audit: auditEntry, receipt };

const STATUSES = ['running', 'failed', 'succeeded'] as const;
const LABELS = [{}, { team: 'a' }, { team: 'b' }, { team: 'a', 'cost:centre': 'x:1' }];
const runs: fc.Arbitrary<readonly ExecutionRow[]> = fc
  .array(fc.record({ minute: fc.nat(9), status: fc.constantFrom(...STATUSES), workflowId: fc.constantFrom('w1', 'w2'), actor: fc.constantFrom('user:a', 'user:b'), labels: fc.constantFrom(...LABELS), cost: fc.option(fc.nat(5)) }), { maxLength: 40 })
  .map((all) => all.map(({ minute, cost, ...row }, n) => run(n, { ...row, requestedAt: `2026-01-05T10:0${minute}:00.000Z`, finishedAt: cost === null ? null : `2026-01-05T11:0${cost}:00.000Z`, costMicroUsd: cost })));
const queries: fc.Arbitrary<ListQuery<'execution'>> = fc.record(
  {
    where: fc.record({ status: fc.constantFrom(...STATUSES), workflowId: fc.constantFrom('w1', 'w2'), actor: fc.constantFrom('user:a', 'user:b') }, { requiredKeys: [] }),
    tags: fc.constantFrom([], ['team:a'], ['team:a', 'cost:centre:x:1'], ['team:c']),
    from: fc.constantFrom(null, '2026-01-05T10:03:00.000Z'),
    to: fc.constantFrom(null, '2026-01-05T10:07:00.000Z'),
    sort: fc.constantFrom('requestedAt', 'finishedAt', 'costMicroUsd'),
    order: fc.constantFrom('asc', 'desc'),
    limit: fc.integer({ min: 1, max: 7 }),
  },
  { requiredKeys: ['limit'] },
);

/** What a list must answer, said as plainly as it can be. */
function expected(rows: readonly ExecutionRow[], { where = {}, tags = [], from, to, sort = 'requestedAt', order = 'desc' }: ListQuery<'execution'>): string[] {
  const wanted = rows.filter(
    (row) =>
      row[sort] !== null &&
      Object.entries(where).every(([field, value]) => row[field as 'status'] === value) &&
      tags.every((tag) => Object.entries(row.labels).some(([key, value]) => `${key}:${value}` === tag)) &&
      (from === null || from === undefined || row.requestedAt >= from) &&
      (to === null || to === undefined || row.requestedAt < to),
  );
  const sorted = wanted.sort((a, b) => (a[sort] === b[sort] ? (a.id < b.id ? -1 : 1) : (a[sort] ?? 0) < (b[sort] ?? 0) ? -1 : 1));
  return ids(order === 'desc' ? sorted.reverse() : sorted);
}

/** What lists can be asked, and what their cursors are good for. */
export const listCases: readonly ReadModelsCase[] = [
  {
    number: 10,
    name: 'lists-answer-what-matches-in-order-page-by-page',
    async run(h) {
      const views = await h.open();
      let n = 0;
      const property = fc.asyncProperty(runs, fc.array(queries, { minLength: 5, maxLength: 5 }), async (rows, asked) => {
        await views.reset(1);
        await views.apply(batch(`c${n++}`, { execution: rows }));
        for (const query of asked) expect([query, await allPages(views, query)]).toEqual([query, expected([...rows], query)]);
      });
      await fc.assert(property, { numRuns: 60, seed: 20_260_105 });
    },
  },
  {
    number: 11,
    name: 'every-table-is-narrowed-by-each-of-its-filters-tags-and-times',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', Object.fromEntries(TABLES.map((table) => [table, [SAMPLES[table]]]))));
      for (const table of TABLES) {
        const row = SAMPLES[table] as unknown as { readonly id: string; readonly [field: string]: unknown };
        const at = String(row[LISTS[table].time]);
        const finds = async (query: object): Promise<boolean> => (await listed(views, table, query)).length === 1;
        for (const field of LISTS[table].filters) expect([table, field, await finds({ where: { [field]: row[field] } }), await finds({ where: { [field]: 'none' } })]).toEqual([table, field, true, false]);
        for (const tag of LISTS[table].tagsOf(row as never)) expect([table, tag, await finds({ tags: [tag] }), await finds({ tags: [tag, 'none'] })]).toEqual([table, tag, true, false]);
        expect([table, await finds({ from: at }), await finds({ to: at }), await finds({ prefix: row.id.slice(0, 3) }), await finds({ prefix: '~' })]).toEqual([table, true, false, true, false]);
      }
    },
  },
  {
    number: 12,
    name: 'decisions-are-found-by-pack-by-code-and-by-what-they-say',
    async run(h) {
      const views = await h.open();
      const denied = decision(2, { allow: false, packs: [{ pack: 'residency', allow: false, violations: ['REGION_BANNED', 'REGION_MISMATCH'], obligations: [], packDigest: 'a'.repeat(64) }] });
      const undecided = decision(3, { allow: false, reason: 'POLICY_UNAVAILABLE', packs: [] });
      await views.apply(batch('c1', { decision: [decision(1), denied, undecided] }));
      expect(await listed(views, 'decision', { where: { allow: false } })).toEqual(['decision-3', 'decision-2']);
      expect(await listed(views, 'decision', { tags: ['pack:residency', 'code:REGION_BANNED'] })).toEqual(['decision-2']);
      expect(await listed(views, 'decision', { tags: ['code:POLICY_UNAVAILABLE'] })).toEqual(['decision-3']);
    },
  },
  {
    number: 13,
    name: 'a-row-that-changed-is-listed-once-by-what-it-is-now',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1, { labels: { team: 'a' } })], workflow: [{ ...workflow, labels: { team: 'a' } }] }));
      await views.apply(batch('c2', { execution: [run(1, { labels: { team: 'a' }, status: 'failed' })], workflow: [{ ...workflow, labels: { team: 'b' }, updatedAt: '2026-01-05T11:00:00.000Z' }] }));
      expect(await listed(views, 'execution', { where: { status: 'running' } })).toEqual([]);
      expect(await listed(views, 'execution', { where: { status: 'failed' }, tags: ['team:a'] })).toEqual(['run-1']);
      expect(await listed(views, 'workflow', { tags: ['team:a'] })).toEqual([]);
      expect(await listed(views, 'workflow', { tags: ['team:b'], from: '2026-01-05T10:30:00.000Z' })).toEqual(['sample']);
    },
  },
  {
    number: 14,
    name: 'a-cursor-of-another-list-is-refused',
    async run(h) {
      const views = await h.open();
      await views.apply(batch('c1', { execution: [run(1), run(2)], audit: [auditEntry, { ...auditEntry, id: 'audit-2' }] }));
      const { next } = await views.list('execution', { limit: 1, where: { status: 'running' } });
      expect(next).not.toBeNull();
      const others: readonly Promise<unknown>[] = [
        views.list('execution', { limit: 1, after: next }),
        views.list('execution', { limit: 1, after: next, where: { status: 'failed' } }),
        views.list('execution', { limit: 1, after: next, where: { status: 'running' }, order: 'asc' }),
        views.list('execution', { limit: 1, after: next, where: { status: 'running' }, tags: ['a:b'] }),
        views.list('execution', { limit: 1, after: next, where: { status: 'running' }, from: '2026-01-05T10:00:00.000Z' }),
        views.list('audit', { limit: 1, after: next }),
      ];
      for (const other of await Promise.allSettled(others)) expect(other.status === 'rejected' && isFault(other.reason, 'CURSOR_INVALID')).toBe(true);
      expect((await views.list('execution', { limit: 2, after: next, where: { status: 'running' } })).rows).toHaveLength(1);
    },
  },
];
