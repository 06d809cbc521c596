import fc from 'fast-check';
import { cycleAmong, dependentsOf, levelsOf, waitsFor } from './graph.ts';

const graph = (needs: Record<string, readonly string[]>) => new Map(Object.entries(needs));

describe('levels', () => {
  it('each task stands one level below the last of its needs', () => {
    expect(levelsOf(graph({ d: ['b', 'c'], a: [], b: ['a'], c: ['a'], e: ['a', 'd'] }))).toEqual({ levels: [['a'], ['b', 'c'], ['d'], ['e']], stuck: [] });
  });
  it('no task, no level', () => {
    expect(levelsOf(graph({}))).toEqual({ levels: [], stuck: [] });
  });
  it('a need named twice counts once, an unknown one not at all', () => {
    expect(levelsOf(graph({ a: ['ghost'], b: ['a', 'a'] }))).toEqual({ levels: [['a'], ['b']], stuck: [] });
  });
  it('what is on a cycle or behind it is stuck', () => {
    expect(levelsOf(graph({ a: [], b: ['a', 'd'], c: ['b'], d: ['c'], e: ['d', 'a'] }))).toEqual({ levels: [['a']], stuck: ['b', 'c', 'd', 'e'] });
  });
  it('in any graph: levels and stuck ones are all tasks once, needs stand above, and a named cycle is one', () => {
    const edges = fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(edges, (drawn) => {
        const needs = graph(Object.fromEntries(drawn.map((list, i) => [`t${i}`, list.filter((need) => need < drawn.length).map((need) => `t${need}`)])));
        const { levels, stuck } = levelsOf(needs);
        expect([...levels.flat(), ...stuck].sort()).toEqual([...needs.keys()].sort());
        const above = new Set<string>();
        for (const level of levels) {
          for (const id of level) expect((needs.get(id) ?? []).every((need) => above.has(need))).toBe(true);
          for (const id of level) above.add(id);
        }
        const cycle = cycleAmong(needs, stuck);
        expect(cycle.length > 1).toBe(stuck.length > 0);
        for (const [i, id] of cycle.slice(1).entries()) expect(needs.get(cycle[i] as string)).toContain(id);
        expect(cycle.at(-1)).toBe(cycle[0]);
      }),
    );
  });
  it('10,000 tasks in a row cost no recursion', () => {
    const { levels } = levelsOf(new Map(Array.from({ length: 10_000 }, (_, i) => [`t${i}`, i === 0 ? [] : [`t${i - 1}`]])));
    expect(levels).toHaveLength(10_000);
  });
});

describe('neighbours', () => {
  it('dependents are listed once each', () => {
    expect(Object.fromEntries(dependentsOf(graph({ a: [], b: ['a', 'a'], c: ['a', 'b'] })))).toEqual({ a: ['b', 'c'], b: ['c'] });
  });
  it('a task waits for what it needs, directly or not, and for nothing else', () => {
    const isBehind = waitsFor(graph({ d: ['c'], c: ['b', 'a', 'a', 'ghost'], b: ['a'], a: [], e: ['a'] }));
    const pairs = ['a', 'b', 'c', 'd', 'e'].flatMap((id) => ['a', 'b', 'c', 'd', 'e', 'ghost'].flatMap((other) => (isBehind(id, other) ? [id + other] : [])));
    expect(pairs).toEqual(['ba', 'ca', 'cb', 'da', 'db', 'dc', 'ea']);
  });
  it('a task on or behind a cycle waits for everything, as far as anybody can say', () => {
    const isBehind = waitsFor(graph({ a: ['b'], b: ['a'], c: ['a'], d: [] }));
    expect([isBehind('a', 'a'), isBehind('c', 'd'), isBehind('d', 'a')]).toEqual([true, true, false]);
  });
  it('who waits for whom among 1,000 tasks is one pass over the edges, not one for each task', () => {
    let looks = 0;
    class Counted extends Map<string, readonly string[]> {
      override get(id: string): readonly string[] | undefined {
        looks += 1;
        return super.get(id);
      }
    }
    const isBehind = waitsFor(new Counted(Array.from({ length: 1_000 }, (_, i) => [`t${i}`, i === 0 ? [] : [`t${i - 1}`]])));
    expect([isBehind('t999', 't0'), isBehind('t0', 't999')]).toEqual([true, false]);
    expect(looks).toBeLessThanOrEqual(2_000);
  });
  it('no stuck task, no cycle; a task without needs is on none', () => {
    expect(cycleAmong(graph({ a: [] }), [])).toEqual([]);
    expect(cycleAmong(graph({}), ['a'])).toEqual([]);
  });
});
