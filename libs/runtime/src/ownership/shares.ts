import type { Clock, LeaseGroup, Leases, Log } from '@maestro/ports';
import type { Supervision } from '../supervision/supervision.ts';

/** What one name's owner does. `ready`: it has begun, or could not. `stop`, also before that: idempotent, never fails. */
export type Share = { readonly ready: Promise<void>; stop(): Promise<void> };

/** How a process takes part in what its group does. */
export type Membership = {
  readonly leases: Leases;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly supervision?: Supervision | undefined;
  /** whether what the work needs can be reached; absent: always */
  readonly isFit?: (() => boolean) | undefined;
};

export type SharesOptions = Membership & {
  readonly group: string;
  readonly names: readonly string[];
  /** Begins the work of a name. `lost`: it found out that another process does it; it is stopped, and taken anew when it is free. */
  readonly open: (name: string, lost: () => void) => Share;
};

/** A member that says nothing this long has lost its names; with a beat it is at most 2.6 s until another has them. */
export const LEASE_TTL_MS = 2_000;
export const BEAT_MS = 600;

/**
 * The share of a process in what its group does: names are divided evenly among the members that live.
 * O1. Ownership is speed, never correctness: two owners at once, for as long as one does not know that it was replaced, cost
 *     a retry; what they write is guarded by expected cursors and revisions.
 * O2. A name is given back only after its work has stopped, so that the next owner finds everything written.
 * O3. Nobody holds more than its even share for longer than a beat; names that nobody holds are taken within a beat.
 * O4. While the leases cannot be asked, everything goes on: nobody else can ask them either, or O1 holds.
 * O5. One beat at a time; none waits for work that is being begun, which may have to read a long past.
 * O6. Who cannot do the work (`isFit`) gives it back and takes none.
 */
export class Shares {
  readonly #o: SharesOptions;
  readonly #group: LeaseGroup;
  readonly #work = new Map<string, Share>();
  readonly #lost = new Set<string>();
  #cancel: (() => void) | undefined;
  #beating: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(o: SharesOptions) {
    this.#o = o;
    this.#group = { group: o.group, owner: o.owner, names: o.names, ttlMs: LEASE_TTL_MS };
  }

  /** Resolves after the first beat; what is free then is held. Faults of the leases are waited out. */
  async start(): Promise<void> {
    this.#beating = this.#beat();
    await this.#beating;
  }

  /** Names that this process works on. */
  get held(): readonly string[] {
    return [...this.#work.keys()];
  }

  /** Stops all work, then gives it back. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#beating;
    await Promise.all(this.held.map((name) => this.#end(name)));
    const { leases, log } = this.#o;
    await leases.leave(this.#group).catch((error: unknown) => log.log('warn', 'leases could not be given back; they expire', { group: this.#group.group, error }));
  }

  async #beat(): Promise<void> {
    const { log, supervision, clock } = this.#o;
    const { group } = this.#group;
    try {
      await this.#divide();
      supervision?.loops.works(`leases-${group}`);
    } catch (error) {
      supervision?.loops.failing(`leases-${group}`, error);
      log.log('warn', 'leases cannot be asked: what is held goes on', { group, error });
    }
    if (this.#isStopped) return;
    this.#cancel = clock.after(BEAT_MS, () => {
      this.#beating = this.#beat();
    });
  }

  async #divide(): Promise<void> {
    const { leases, names, isFit = () => true } = this.#o;
    if (!isFit()) {
      await Promise.all(this.held.map((name) => this.#end(name)));
      return leases.leave(this.#group);
    }
    const { members, held, free } = await leases.beat(this.#group);
    const mine = new Set(held);
    // its lease ran out, and nobody wanted it
    for (const name of free) if (this.#work.has(name) && (await leases.take(this.#group, name))) mine.add(name);
    const gone = this.held.filter((name) => !mine.has(name) || this.#lost.has(name));
    this.#lost.clear();
    const share = Math.ceil(names.length / Math.max(1, members));
    const kept = this.held.filter((name) => !gone.includes(name));
    const surplus = kept.slice(share);
    await Promise.all([...gone, ...surplus].map((name) => this.#end(name)));
    // also what an earlier process of this name held, and nobody works on
    const idle = [...mine].filter((name) => !this.#work.has(name));
    const taken = idle.slice(0, Math.max(0, share - this.#work.size));
    await leases.release(this.#group, idle.filter((name) => !taken.includes(name)));
    for (const name of free) {
      if (taken.length + this.#work.size >= share || this.#isStopped) break;
      if (!this.#work.has(name) && !mine.has(name) && (await leases.take(this.#group, name))) taken.push(name);
    }
    for (const name of taken) this.#begin(name);
  }

  #begin(name: string): void {
    const { open, log } = this.#o;
    const { group } = this.#group;
    log.log('info', 'takes over', { group, name });
    const lost = (): void => void this.#lost.add(name);
    const share = open(name, lost);
    this.#work.set(name, share);
    share.ready.catch((error: unknown) => {
      log.log('warn', 'could not take over; tried again with the next beat', { group, name, error });
      lost();
    });
  }

  async #end(name: string): Promise<void> {
    await this.#work.get(name)?.stop();
    this.#work.delete(name);
    this.#o.log.log('info', 'handed over', { group: this.#group.group, name });
  }
}
