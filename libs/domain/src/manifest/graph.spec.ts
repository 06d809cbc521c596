import fc from 'fast-check';
import { cycleAmong, dependentsOf, levelsOf, upstreamOf } from './graph.ts';

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
  it('upstream is everything that a task waits for, directly or not; an unknown task waits for nothing', () => {
    const needs = graph({ a: [], b: ['a'], c: ['b', 'a', 'ghost'], d: ['c'] });
    expect([...upstreamOf(needs, 'd')].sort()).toEqual(['a', 'b', 'c', 'ghost']);
    expect([...upstreamOf(needs, 'nobody')]).toEqual([]);
  });
  it('a task on a cycle is upstream of itself', () => {
    expect([...upstreamOf(graph({ a: ['b'], b: ['a'] }), 'a')].sort()).toEqual(['a', 'b']);
  });
  it('no stuck task, no cycle; a task without needs is on none', () => {
    expect(cycleAmong(graph({ a: [] }), [])).toEqual([]);
    expect(cycleAmong(graph({}), ['a'])).toEqual([]);
  });
});
