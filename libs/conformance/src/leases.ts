import type { LeaseGroup, Leases } from '@maestro/ports';
import { conformanceSuite, type ConformanceCase, type ConformanceOptions } from './matrix.ts';

/** Leases without members, made by the binding for one case. `pass`: lets at least so many milliseconds go by for them. */
export type LeasesHarness = { open(): Promise<Leases>; pass(ms: number): Promise<void>; dispose(): Promise<void> };
export type LeasesFactory = () => Promise<LeasesHarness>;
type Case = ConformanceCase<LeasesHarness>;

const NAMES = ['a', 'b', 'c'];
/** longer than any case takes, on a machine that is busy elsewhere */
const LONG_MS = 600_000;
const SHORT_MS = 100;
const member = (owner: string, ttlMs = LONG_MS): LeaseGroup => ({ group: 'command', owner, names: NAMES, ttlMs });

const cases: readonly Case[] = [
  {
    number: 1,
    name: 'a-name-has-one-holder',
    async run(h) {
      const leases = await h.open();
      expect([await leases.take(member('one'), 'a'), await leases.take(member('two'), 'a'), await leases.take(member('one'), 'a')]).toEqual([true, false, true]);
    },
  },
  {
    number: 2,
    name: 'of-many-that-ask-at-once-one-gets-it',
    async run(h) {
      const leases = await h.open();
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => leases.take(member(`m${i}`), 'b')));
      expect(answers.filter(Boolean)).toEqual([true]);
    },
  },
  {
    number: 3,
    name: 'a-beat-counts-members-and-tells-what-is-held-and-free',
    async run(h) {
      const leases = await h.open();
      expect(await leases.beat(member('one'))).toEqual({ members: 1, held: [], free: NAMES });
      await leases.take(member('one'), 'a');
      await leases.take(member('two'), 'c');
      expect(await leases.beat(member('two'))).toEqual({ members: 2, held: ['c'], free: ['b'] });
      expect(await leases.beat(member('one'))).toEqual({ members: 2, held: ['a'], free: ['b'] });
    },
  },
  {
    number: 4,
    name: 'who-says-nothing-loses-its-names-and-is-no-member',
    async run(h) {
      const leases = await h.open();
      await leases.beat(member('dead', SHORT_MS));
      await leases.take(member('dead', SHORT_MS), 'a');
      await h.pass(2 * SHORT_MS);
      expect(await leases.beat(member('one'))).toEqual({ members: 1, held: [], free: NAMES });
      expect([await leases.take(member('one'), 'a'), await leases.take(member('dead'), 'a')]).toEqual([true, false]);
      expect((await leases.beat(member('dead'))).held).toEqual([]);
    },
  },
  {
    number: 5,
    name: 'a-beat-prolongs',
    async run(h) {
      const leases = await h.open();
      await leases.take(member('one', 20 * SHORT_MS), 'a');
      await leases.beat(member('one'));
      await h.pass(25 * SHORT_MS);
      expect(await leases.take(member('two'), 'a')).toBe(false);
    },
  },
  {
    number: 6,
    name: 'what-is-given-back-is-free-and-only-ones-own-can-be',
    async run(h) {
      const leases = await h.open();
      for (const name of NAMES) await leases.take(member('one'), name);
      await leases.release(member('two'), ['a']);
      await leases.release(member('one'), ['b', 'never']);
      expect((await leases.beat(member('two'))).free).toEqual(['b']);
      await leases.leave(member('one'));
      expect(await leases.beat(member('two'))).toEqual({ members: 1, held: [], free: NAMES });
    },
  },
  {
    number: 7,
    name: 'groups-are-separate',
    async run(h) {
      const leases = await h.open();
      await leases.take(member('one'), 'a');
      const other = { ...member('two'), group: 'receipt' };
      expect(await leases.take(other, 'a')).toBe(true);
      expect(await leases.beat(other)).toEqual({ members: 1, held: ['a'], free: ['b', 'c'] });
    },
  },
];

/** The suite that all leases must pass, called at the top of a spec file. */
export function leasesConformance(adapter: string, factory: LeasesFactory, o: ConformanceOptions = {}): void {
  conformanceSuite('leases', adapter, cases, factory, o);
}
