import type { Json } from '@maestro/domain';
import { isFault, type ProcessRow, type ProcessState } from '@maestro/ports';
import { conformanceSuite, type ConformanceCase, type ConformanceOptions } from './matrix.ts';

/** One process state with its own empty data, made by the binding for one case. */
export type ProcessStateHarness = {
  /** the state; the same one on every call */
  open(): Promise<ProcessState>;
  /** closes it and opens another one on the same data */
  reopen(): Promise<ProcessState>;
  dispose(): Promise<void>;
};
export type ProcessStateFactory = () => Promise<ProcessStateHarness>;
type Case = ConformanceCase<ProcessStateHarness>;

const row = (key: string, value: Json = { key }): ProcessRow => ({ key, value });

async function loaded(state: ProcessState, name: string): Promise<{ cursor: string | null; rows: ProcessRow[] }> {
  const { cursor, rows } = await state.load(name);
  const all: ProcessRow[] = [];
  for await (const r of rows) all.push(r);
  return { cursor, rows: all };
}

const contentCases: readonly Case[] = [
  {
    number: 1,
    name: 'unknown-name-is-empty',
    async run(h) {
      expect(await loaded(await h.open(), 'dispatch')).toEqual({ cursor: null, rows: [] });
    },
  },
  {
    number: 2,
    name: 'apply-then-load-in-key-order',
    async run(h) {
      const state = await h.open();
      await state.apply('dispatch', 'c1', [row('b'), row('a10'), row('a2')], []);
      await state.apply('dispatch', 'c2', [row('a')], []);
      expect(await loaded(state, 'dispatch')).toEqual({
        cursor: 'c2',
        rows: ['a', 'a10', 'a2', 'b'].map((k) => row(k)),
      });
    },
  },
  {
    number: 3,
    name: 'upsert-replaces',
    async run(h) {
      const state = await h.open();
      await state.apply('dispatch', 'c1', [row('a', 1), row('b', 1), row('b', 2)], []);
      await state.apply('dispatch', 'c2', [row('a', [2])], []);
      expect((await loaded(state, 'dispatch')).rows).toEqual([row('a', [2]), row('b', 2)]);
    },
  },
  {
    number: 4,
    name: 'deletes-come-after-upserts',
    async run(h) {
      const state = await h.open();
      await state.apply('dispatch', 'c1', [row('a'), row('b')], ['b', 'never-there']);
      await state.apply('dispatch', 'c2', [], ['a', 'a']);
      expect(await loaded(state, 'dispatch')).toEqual({ cursor: 'c2', rows: [] });
    },
  },
  {
    number: 5,
    name: 'null-cursor-leaves-the-cursor',
    async run(h) {
      const state = await h.open();
      await state.apply('timers', null, [row('a')], []);
      expect((await loaded(state, 'timers')).cursor).toBeNull();
      await state.apply('timers', 'c7', [], []);
      await state.apply('timers', null, [row('b')], ['a']);
      expect(await loaded(state, 'timers')).toEqual({ cursor: 'c7', rows: [row('b')] });
    },
  },
  {
    number: 6,
    name: 'names-are-separate',
    async run(h) {
      const state = await h.open();
      await state.apply('dispatch', 'c1', [row('a', 1)], []);
      await state.apply('timers', 'c2', [row('a', 2)], []);
      await state.apply('timers', 'c3', [], ['a']);
      expect(await loaded(state, 'dispatch')).toEqual({ cursor: 'c1', rows: [row('a', 1)] });
    },
  },
  {
    number: 7,
    name: 'values-roundtrip',
    async run(h) {
      const state = await h.open();
      const values: Json[] = [
        null,
        true,
        '',
        'é 👩‍🚀 \u0000',
        0,
        -1.5,
        Number.MAX_SAFE_INTEGER,
        [],
        {},
        { a: [{ b: null }] },
      ];
      const rows = values.map((value, i) => row(`k${i}`, value));
      await state.apply('dispatch', 'c1', rows, []);
      expect((await loaded(await h.reopen(), 'dispatch')).rows).toEqual(rows);
    },
  },
];

const safetyCases: readonly Case[] = [
  {
    number: 8,
    name: 'a-failed-apply-changes-nothing',
    async run(h) {
      const state = await h.open();
      await state.apply('dispatch', 'c1', [row('a', 1)], []);
      const unfit = row('c', 1n as unknown as Json); // JSON cannot carry it
      const failed = state.apply('dispatch', 'c2', [row('a', 2), row('b', 2), unfit], ['a']);
      await expect(failed).rejects.toBeDefined();
      expect(await loaded(state, 'dispatch')).toEqual({ cursor: 'c1', rows: [row('a', 1)] });
      await state.apply('dispatch', 'c3', [row('b', 3)], []);
      expect((await loaded(await h.reopen(), 'dispatch')).rows).toEqual([row('a', 1), row('b', 3)]);
    },
  },
  {
    number: 9,
    name: 'rows-are-copies',
    async run(h) {
      const state = await h.open();
      const value = { open: ['x'] };
      await state.apply('dispatch', 'c1', [row('a', value)], []);
      value.open.push('y');
      const [first] = (await loaded(state, 'dispatch')).rows;
      (first as unknown as { value: { open: string[] } }).value.open.push('z');
      expect((await loaded(state, 'dispatch')).rows).toEqual([row('a', { open: ['x'] })]);
    },
  },
  {
    number: 10,
    name: 'load-is-a-snapshot',
    async run(h) {
      const state = await h.open();
      const rows = Array.from({ length: 1200 }, (_, i) => row(`k${String(i).padStart(5, '0')}`, i));
      await state.apply('dispatch', 'c1', rows, []);
      const snapshot = await state.load('dispatch');
      const seen: ProcessRow[] = [];
      for await (const r of snapshot.rows) {
        if (seen.length === 10) await state.apply('dispatch', 'c2', [row('zzz', 1)], ['k00500', 'k01199']);
        seen.push(r);
      }
      expect(snapshot.cursor).toBe('c1');
      expect(seen).toEqual(rows);
      expect((await loaded(state, 'dispatch')).rows).toHaveLength(1199);
      const abandoned = await state.load('dispatch');
      for await (const _ of abandoned.rows) break;
      await state.apply('dispatch', 'c3', [], []);
    },
  },
  {
    number: 11,
    name: 'survives-a-restart',
    async run(h) {
      await (await h.open()).apply('dispatch', 'c9', [row('a'), row('b')], []);
      const reopened = await h.reopen();
      expect(await loaded(reopened, 'dispatch')).toEqual({ cursor: 'c9', rows: [row('a'), row('b')] });
      await reopened.apply('dispatch', null, [], ['a']);
      expect(await loaded(await h.reopen(), 'dispatch')).toEqual({ cursor: 'c9', rows: [row('b')] });
    },
  },
  {
    number: 12,
    name: 'concurrent-applies-all-land-in-order',
    async run(h) {
      const state = await h.open();
      const applies = Array.from({ length: 50 }, (_, i) =>
        state.apply('dispatch', `c${i}`, [row(`k${i}`), row('last', i)], []),
      );
      await Promise.all(applies);
      const { cursor, rows } = await loaded(state, 'dispatch');
      expect([cursor, rows.length]).toEqual(['c49', 51]);
      expect(rows.find((r) => r.key === 'last')?.value).toBe(49);
    },
  },
  {
    number: 13,
    name: 'closed-says-so',
    async run(h) {
      const state = await h.open();
      const open = await state.load('dispatch');
      await state.close();
      await state.close();
      const closed = async (work: Promise<unknown>): Promise<boolean> =>
        isFault(await work.catch((e: unknown) => e), 'STORE_CLOSED');
      expect(await closed(state.load('dispatch'))).toBe(true);
      expect(await closed(state.apply('dispatch', 'c1', [], []))).toBe(true);
      expect(open.cursor).toBeNull();
    },
  },
  {
    number: 14,
    name: 'a-replaced-writer-writes-nothing',
    async run(h) {
      const state = await h.open();
      await state.apply('dispatch', 'c1', [row('a', 1)], [], { expected: null });
      await state.apply('dispatch', 'c2', [row('a', 2)], [], { expected: 'c1' });
      const late = (expected: string | null): Promise<unknown> => state.apply('dispatch', 'c3', [row('a', 3)], [], { expected }).catch((e: unknown) => e);
      expect([isFault(await late('c1'), 'STATE_MOVED'), isFault(await late(null), 'STATE_MOVED')]).toEqual([true, true]);
      expect(await loaded(state, 'dispatch')).toEqual({ cursor: 'c2', rows: [row('a', 2)] });
      await state.apply('dispatch', 'c3', [], ['a'], { expected: 'c2' });
      expect(await loaded(state, 'dispatch')).toEqual({ cursor: 'c3', rows: [] });
    },
  },
];

/** The suite that every process state must pass, called at the top of a spec file. */
export function processStateConformance(
  adapter: string,
  factory: ProcessStateFactory,
  o: ConformanceOptions = {},
): void {
  conformanceSuite('process-state', adapter, [...contentCases, ...safetyCases], factory, o);
}
