import type { Msg } from '@nats-io/transport-node';
import { Fault } from '@maestro/ports';
import type { Clock, Consumption, Leased, Settlement, Work, WorkKind } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { Pull, mayBeGone } from '../pulls/pull.ts';
import type { PullEnd } from '../pulls/pull.ts';
import { WorkLease, deliveryOf } from './work-lease.ts';
import type { LeaseTerms } from './work-lease.ts';
import type { WorkSubjects } from './work-subjects.ts';

export type ConsumptionOptions = {
  readonly kind: WorkKind;
  readonly classes: readonly string[];
  readonly concurrencyMax: number;
  readonly handler: (leased: Leased, signal: AbortSignal) => Promise<Settlement>;
  readonly terms: LeaseTerms;
  /** The stream or its consumer was not there. */
  readonly missing: () => void;
};

type Lane = { readonly workClass: string; pull: Pull | undefined; /** messages that the server had left after the last one */ pending: number };

/** A request that waits for the next message of a lane; short, because a new leader knows nothing of it. */
const LISTEN_MS = 5_000;
/** A request for more than one message, which others may get instead. */
const BURST_MS = 1_000;
const MISSING_RETRY_MS = 250;

/**
 * Takes work of one kind from the lanes of its classes.
 * C1. At most `concurrencyMax` handlers run, counting those whose lease is lost: a slot is free when its handler answered.
 * C2. While a slot is free each lane has one request open; while none is, no lane has. A request asks for one message, or
 *     for as many as its lane is known to have and slots are free that no other lane asked for.
 * C3. What comes while no slot is free (at most one message per lane but one) is held, and goes first.
 * C4. After `stop` nothing is asked for; what still comes goes back.
 */
export class WorkConsumption implements Consumption {
  readonly #link: NatsLink;
  readonly #subjects: WorkSubjects;
  readonly #clock: Clock;
  readonly #o: ConsumptionOptions;
  readonly #lanes: readonly Lane[];
  readonly #running = new Map<WorkLease, Promise<void>>();
  readonly #held: WorkLease[] = [];
  readonly #closing = new Set<Promise<void>>();
  #stopping: Promise<void> | undefined;

  constructor(link: NatsLink, subjects: WorkSubjects, clock: Clock, o: ConsumptionOptions) {
    this.#link = link;
    this.#subjects = subjects;
    this.#clock = clock;
    this.#o = o;
    this.#lanes = o.classes.map((workClass) => ({ workClass, pull: undefined, pending: 0 }));
    this.#ask();
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  revoke(intentId: string): void {
    for (const lease of [...this.#running.keys(), ...this.#held]) if (lease.work.intentId === intentId) lease.revoke();
  }

  /** Lets everything go at once. */
  drop(reason: Fault): void {
    this.#stopping ??= Promise.resolve();
    for (const lane of this.#lanes) this.#withdraw(lane);
    for (const lease of [...this.#running.keys(), ...this.#held.splice(0)]) lease.drop(reason);
  }

  get #free(): number {
    return this.#o.concurrencyMax - this.#running.size - this.#held.length;
  }

  #ask(): void {
    if (this.#stopping !== undefined || this.#link.connection.isClosed()) return;
    while (this.#running.size < this.#o.concurrencyMax) {
      const lease = this.#held.shift();
      if (lease === undefined) break;
      this.#start(lease);
    }
    const free = this.#free;
    for (const lane of this.#lanes) {
      if (free <= 0) this.#withdraw(lane);
      else if (lane.pull === undefined) this.#open(lane, free);
    }
  }

  #open(lane: Lane, free: number): void {
    const elsewhere = this.#lanes.reduce((sum, { pull }) => sum + Math.max(0, (pull?.left ?? 0) - 1), 0);
    const batch = Math.max(1, Math.min(lane.pending, free - elsewhere));
    const { workStream: stream } = this.#subjects;
    const consumer = this.#subjects.consumer(this.#o.kind, lane.workClass);
    lane.pending = 0;
    const pull = new Pull(this.#link, { stream, consumer, batch, expiresMs: batch === 1 ? LISTEN_MS : BURST_MS }, (message) => this.#take(lane, message));
    lane.pull = pull;
    void pull.ended.then((end) => this.#ended(lane, pull, end));
  }

  async #ended(lane: Lane, pull: Pull, end: PullEnd): Promise<void> {
    if (lane.pull !== pull) return;
    if (mayBeGone(end)) {
      this.#o.missing();
      await new Promise<void>((resolve) => setTimeout(resolve, MISSING_RETRY_MS).unref());
    }
    if (end === 'disconnected') await this.#link.watch.up(AbortSignal.timeout(LISTEN_MS));
    if (lane.pull !== pull) return;
    lane.pull = undefined;
    this.#ask();
  }

  #withdraw(lane: Lane): void {
    const { pull } = lane;
    lane.pull = undefined;
    if (pull !== undefined) this.#beforeStopped(pull.cancel());
  }

  #beforeStopped(closing: Promise<void>): void {
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  #take(lane: Lane, message: Msg): void {
    lane.pending = deliveryOf(message.reply ?? '').pending;
    const work = workOf(message);
    if (work === undefined) return this.#refuse(message);
    const lease = new WorkLease(work, message, this.#link, this.#clock, this.#o.terms);
    if (this.#stopping !== undefined) return void this.#beforeStopped(lease.settle({ kind: 'retry', delayMs: 0 }));
    if (this.#running.size < this.#o.concurrencyMax) this.#start(lease);
    else this.#held.push(lease);
    this.#ask();
  }

  /** What is no work at all is parked under the name that its subject gives. */
  #refuse(message: Msg): void {
    const address = this.#subjects.addressOf(message.subject);
    const intentId = address?.intentId ?? message.subject;
    const work: Work = { kind: this.#o.kind, intentId, workClass: address?.workClass ?? 'default', executionId: '', payload: null };
    const lease = new WorkLease(work, message, this.#link, this.#clock, this.#o.terms);
    void lease.settle({ kind: 'reject', reason: 'the message is no work: it cannot be read' });
  }

  #start(lease: WorkLease): void {
    const run = lease.run(this.#o.handler).finally(() => {
      this.#running.delete(lease);
      this.#ask();
    });
    this.#running.set(lease, run);
  }

  async #stop(graceMs: number): Promise<void> {
    // what is held was handed out to nobody
    for (const lease of this.#held.splice(0)) this.#beforeStopped(lease.settle({ kind: 'retry', delayMs: 0 }));
    for (const lane of this.#lanes) this.#withdraw(lane);
    // what comes while requests are taken back goes back as well
    while (this.#closing.size > 0) await Promise.all(this.#closing);
    const running = [...this.#running.values()];
    if (running.length === 0) return;
    let cancel: () => void = () => {};
    const over = new Promise<void>((resolve) => (cancel = this.#clock.after(graceMs, resolve)));
    const isOver = await Promise.race([Promise.all(running).then(() => false), over.then(() => true)]);
    cancel();
    if (!isOver) return;
    const reason = new Fault('ABORTED', `the consumer stopped and its grace of ${graceMs} ms is over`);
    const left = [...this.#running.keys()];
    for (const lease of left) lease.giveUp(reason);
    await Promise.all(left.map((lease) => lease.settle({ kind: 'retry', delayMs: 0 })));
  }
}

function workOf({ data, headers }: Msg): Work | undefined {
  try {
    const work = JSON.parse(Buffer.from(data).toString()) as Work;
    const [token, traceparent] = [headers?.get('Mc-Token') ?? '', headers?.get('traceparent') ?? ''];
    if (typeof work.intentId !== 'string' || typeof work.executionId !== 'string') return undefined;
    return { ...work, ...(token !== '' && { token }), ...(traceparent !== '' && { traceparent }) };
  } catch {
    return undefined;
  }
}
