import { eventStoreCases } from './event-store.ts';
import type { EventStoreHarness } from './event-store-harness.ts';
import { gapsOf, renderMatrix, type ConformanceCase } from './matrix.ts';

const never = (): Promise<never> => Promise.reject(new Error('not called'));
const bare: EventStoreHarness = { open: never, reopen: never, dispose: never };

describe('conformance matrix', () => {
  it('says which cases a harness without hooks cannot try', () => {
    expect(gapsOf(eventStoreCases(never), bare)).toEqual([14, 37, 38, 39, 40]);
  });
  it('counts a case as possible as soon as its hook is there', () => {
    const harness = { ...bare, hang: never, kill: never };
    expect(gapsOf(eventStoreCases(never), harness)).toEqual([37, 39, 40]);
  });
  it('holds forty event store cases with names that never repeat', () => {
    const cases: readonly ConformanceCase<EventStoreHarness>[] = eventStoreCases(never);
    expect(cases.map((c) => c.number)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(new Set(cases.map((c) => c.name)).size).toBe(40);
  });
  it('prints one line per case, a gap with its reason', () => {
    const rows = new Map([
      ['1 a', { status: 'ok' as const }],
      ['2 b', { status: 'not-applicable' as const, reason: 'no server' }],
    ]);
    expect(renderMatrix('port', 'adapter', rows)).toBe('port on adapter\n  1 a | ok\n  2 b | n/a (no server)\n');
  });
});
