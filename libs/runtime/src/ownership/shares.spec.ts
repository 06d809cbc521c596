import { ManualClock, MemoryLeases } from '@maestro/adapter-memory';
import type { LeaseGroup, Leases, Log } from '@maestro/ports';
import { BEAT_MS, LEASE_TTL_MS, Shares } from './shares.ts';
import type { Share } from './shares.ts';

const NAMES = ['0-of-4', '1-of-4', '2-of-4', '3-of-4'];
const silent: Log = { log: () => undefined };

let clock: ManualClock;
let leases: Leases;
beforeEach(() => {
  clock = new ManualClock(0);
  leases = new MemoryLeases(clock);
});

/** A process that takes part; what it does is noted. */
class Member {
  readonly working = new Set<string>();
  readonly opened: string[] = [];
  readonly losing = new Map<string, () => void>();
  isFit = true;
  failsToOpen = 0;
  readonly shares: Shares;

  constructor(owner: string, of: Leases = leases) {
    this.shares = new Shares({ leases: of, group: 'command', owner, names: NAMES, clock, log: silent, isFit: () => this.isFit, open: (name, lost) => this.#open(name, lost) });
  }

  #open(name: string, lost: () => void): Share {
    this.opened.push(name);
    this.losing.set(name, lost);
    if (this.failsToOpen-- > 0) return { ready: Promise.reject(new Error('not now')), stop: async () => undefined };
    this.working.add(name);
    return { ready: Promise.resolve(), stop: async () => void this.working.delete(name) };
  }
}

/** Lets beats happen one after the other, as the event loop would. */
async function beats(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.advance(BEAT_MS);
    await settled();
  }
}
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
const all = (...members: readonly Member[]): string[] => members.flatMap(({ working }) => [...working]).toSorted();
const sizes = (...members: readonly Member[]): number[] => members.map(({ working }) => working.size);

describe('the shares of processes', () => {
  it('are everything where there is one process, at once', async () => {
    const one = new Member('one');
    await one.shares.start();
    expect(all(one)).toEqual(NAMES);
  });

  it('become even when another one comes, and nothing is done twice or by nobody afterwards', async () => {
    const [one, two, three] = [new Member('one'), new Member('two'), new Member('three')];
    await one.shares.start();
    await two.shares.start();
    await beats(3);
    expect([sizes(one, two), all(one, two)]).toEqual([[2, 2], NAMES]);
    await three.shares.start();
    await beats(4);
    expect([Math.max(...sizes(one, two, three)), all(one, two, three)]).toEqual([2, NAMES]);
  });

  it('of one that leaves are taken within a beat', async () => {
    const [one, two] = [new Member('one'), new Member('two')];
    await one.shares.start();
    await two.shares.start();
    await beats(3);
    await one.shares.stop();
    expect(sizes(one)).toEqual([0]);
    await beats(1);
    expect(all(two)).toEqual(NAMES);
  });

  it('of one that was killed are taken when its leases have run out, and not before', async () => {
    const one = new Member('one');
    for (const name of NAMES) await leases.take({ group: 'command', owner: 'killed', names: NAMES, ttlMs: LEASE_TTL_MS }, name);
    await one.shares.start();
    expect(sizes(one)).toEqual([0]);
    await beats(Math.floor(LEASE_TTL_MS / BEAT_MS));
    expect(sizes(one)).toEqual([0]);
    await beats(1);
    expect(all(one)).toEqual(NAMES);
  });

  it('go on while nobody can be asked', async () => {
    let isDown = false;
    const failing = { ...bound(leases), beat: (group: LeaseGroup) => (isDown ? Promise.reject(new Error('away')) : leases.beat(group)) };
    const one = new Member('one', failing);
    await one.shares.start();
    isDown = true;
    await beats(20);
    expect(all(one)).toEqual(NAMES);
    isDown = false;
    await beats(1);
    expect([all(one), one.opened]).toEqual([NAMES, NAMES]);
  });

  it('are stopped where another process holds them by now', async () => {
    const one = new Member('one');
    await one.shares.start();
    // its beats did not come through for so long that its leases ran out
    clock.advance(0);
    await leases.release({ group: 'command', owner: 'one', names: NAMES, ttlMs: LEASE_TTL_MS }, ['2-of-4']);
    await leases.take({ group: 'command', owner: 'other', names: NAMES, ttlMs: 600_000 }, '2-of-4');
    await beats(1);
    expect(all(one)).toEqual(['0-of-4', '1-of-4', '3-of-4']);
  });

  it('are begun anew, reading everything again, where the owner finds that it was replaced', async () => {
    const one = new Member('one');
    await one.shares.start();
    one.losing.get('1-of-4')?.();
    await beats(1);
    expect([all(one), one.opened]).toEqual([NAMES, [...NAMES, '1-of-4']]);
  });

  it('that could not be begun are tried again with the next beat', async () => {
    const one = new Member('one');
    one.failsToOpen = 2;
    await one.shares.start();
    await settled();
    expect(all(one)).toEqual(NAMES.slice(2));
    await beats(1);
    expect(all(one)).toEqual(NAMES);
  });

  it('are given to others by one that cannot do the work, until it can', async () => {
    const [one, two] = [new Member('one'), new Member('two')];
    await one.shares.start();
    await two.shares.start();
    await beats(3);
    one.isFit = false;
    await beats(2);
    expect([sizes(one), all(two)]).toEqual([[0], NAMES]);
    one.isFit = true;
    await beats(3);
    expect([sizes(one, two), all(one, two)]).toEqual([[2, 2], NAMES]);
  });
});

function bound(of: Leases): Leases {
  return { beat: (group) => of.beat(group), take: (group, name) => of.take(group, name), release: (group, names) => of.release(group, names), leave: (group) => of.leave(group) };
}
