import { Fault } from '@maestro/ports';
import type { Clock, ConsumeOptions, Consumption, Leased, ParkedWork, QueueDepth, Settlement, Work, WorkKind, WorkQueue } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';
import { ApiCalls } from './api-calls.ts';
import { ParkedRecords } from './parked-records.ts';
import { WorkConsumption } from './work-consumption.ts';
import { WorkPublisher } from './work-publisher.ts';
import { WorkRevokes } from './work-revokes.ts';
import { WorkStreams } from './work-streams.ts';
import type { WorkStreamSettings } from './work-streams.ts';
import { WorkSubjects } from './work-subjects.ts';

export type JetStreamWorkQueueOptions = WorkStreamSettings & {
  readonly link: NatsLink;
  readonly clock: Clock;
  /** makes streams and consumers, and again when they are gone: true for who publishes; false for runners, which may not */
  readonly provisions: boolean;
  /** works waiting at most, as one publisher counts them; beyond it publish answers QUEUE_FULL; default 100,000 */
  readonly waitingMax?: number;
  /** how long work rests whose handler threw; default 1,000 */
  readonly throwDelayMs?: number;
  /** how often it is looked whether MC_WORK is still the same stream; default 1,000 */
  readonly watchEveryMs?: number;
};

const DEFAULT_ACK_WAIT_MS = 30_000;

/**
 * Work in MC_WORK, a memory stream that any number of processes publish to and consume from.
 *
 * J1. The stream holds an intent exactly while it waits, rests or is leased: each has a subject of its own, and is taken
 *     only while that subject is empty. So publishing is idempotent whoever publishes.
 * J2. Losing the stream loses nothing: work is derived from events. Who provisions makes it again and tells its listeners,
 *     which publish what is open.
 * J3. Lanes are served first come, first served: JetStream has no order by run. What bounds a run is the dispatcher.
 */
export class JetStreamWorkQueue implements WorkQueue {
  readonly #o: JetStreamWorkQueueOptions;
  readonly #calls: ApiCalls;
  readonly #subjects: WorkSubjects;
  readonly #streams: WorkStreams;
  readonly #parked: ParkedRecords;
  readonly #publisher: WorkPublisher;
  readonly #revokes: WorkRevokes;
  readonly #consumptions = new Set<WorkConsumption>();
  readonly #resting = new Map<string, Work>();
  readonly #lostListeners = new Set<() => void>();
  #cancelWatch: () => void = () => {};
  #looking: Promise<void> | undefined;
  #closed = false;

  private constructor(o: JetStreamWorkQueueOptions) {
    this.#o = o;
    this.#subjects = new WorkSubjects(o.link.names);
    this.#calls = new ApiCalls(o.link);
    this.#streams = new WorkStreams(this.#calls, this.#subjects, o);
    this.#parked = new ParkedRecords(o.link, this.#subjects, this.#calls);
    this.#publisher = new WorkPublisher(o.link, this.#subjects, this.#calls, this.#parked, {
      classesOf: (kind) => this.#streams.classesOf(kind),
      saw: (sequence) => this.#streams.saw(sequence),
      waitingMax: o.waitingMax ?? 100_000,
      depth: async () => (await this.depth('policy')).waiting + (await this.depth('task')).waiting,
      missing: () => this.#lookSoon(),
    });
    this.#revokes = new WorkRevokes(o.link, this.#subjects, this.#calls, (intentId) => this.#revokeHere(intentId));
  }

  /** Faults: NATS_UNAVAILABLE, where streams could not be made. */
  static async open(o: JetStreamWorkQueueOptions): Promise<JetStreamWorkQueue> {
    const queue = new JetStreamWorkQueue(o);
    if (o.provisions) {
      await queue.#streams.provision();
      await queue.#look();
      queue.#watch();
    }
    return queue;
  }

  async publish(work: readonly [Work, ...Work[]]): Promise<void> {
    this.#check();
    await this.#publisher.publish(work);
  }

  consume(kind: WorkKind, handler: (leased: Leased, signal: AbortSignal) => Promise<Settlement>, o: ConsumeOptions): Consumption {
    this.#check();
    const { link, clock, throwDelayMs = 1_000 } = this.#o;
    const classes = o.classes ?? this.#streams.classesOf(kind);
    this.#revokes.listen(classes);
    const terms = {
      ackWaitMs: o.ackWaitMs ?? DEFAULT_ACK_WAIT_MS,
      workingEveryMs: Math.ceil(this.#streams.silenceMaxMs(kind) / 3),
      throwDelayMs,
      park: (work: Work, reason: string) => this.#park(work, reason),
      resting: (work: Work, delayMs: number) => this.#rest(work, delayMs),
    };
    const missing = (): void => this.#lookSoon();
    const consumption = new WorkConsumption(link, this.#subjects, clock, { kind, classes, concurrencyMax: o.concurrencyMax, handler, terms, missing });
    this.#consumptions.add(consumption);
    return {
      stop: async (graceMs) => {
        await consumption.stop(graceMs);
        this.#consumptions.delete(consumption);
      },
    };
  }

  async revoke(intentIds: readonly string[]): Promise<void> {
    this.#check();
    for (const id of intentIds) this.#revokeHere(id);
    await this.#revokes.send(intentIds);
  }

  /** What was handed back with a delay by another process counts as leased until it comes again. */
  async depth(kind: WorkKind, workClass?: string): Promise<QueueDepth> {
    this.#check();
    return this.#depths(kind, workClass === undefined ? this.#streams.classesOf(kind) : [workClass]);
  }

  async parked(): Promise<readonly ParkedWork[]> {
    this.#check();
    return this.#parked.list();
  }

  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener);
    return () => void this.#lostListeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelWatch();
    this.#revokes.close();
    for (const consumption of this.#consumptions) consumption.drop(new Fault('QUEUE_CLOSED', 'the queue was closed'));
    this.#consumptions.clear();
  }

  #check(): void {
    if (this.#closed) throw new Fault('QUEUE_CLOSED', 'the queue was closed; nothing was done');
  }

  #revokeHere(intentId: string): void {
    for (const consumption of this.#consumptions) consumption.revoke(intentId);
  }

  async #park({ intentId, kind, executionId }: Work, reason: string): Promise<void> {
    await this.#parked.park({ intentId, kind, executionId, reason, at: new Date(this.#o.clock.nowMs()).toISOString() });
  }

  #rest(work: Work, delayMs: number): void {
    this.#resting.set(work.intentId, work);
    this.#o.clock.after(delayMs, () => void this.#resting.delete(work.intentId));
  }

  async #depths(kind: WorkKind, classes: readonly string[]): Promise<QueueDepth> {
    let [waiting, leased] = [0, 0];
    await Promise.all(classes.map(async (workClass) => {
      try {
        const info = await this.#calls.ask(({ consumers }) => consumers.info(this.#subjects.workStream, this.#subjects.consumer(kind, workClass)));
        const resting = Math.min(info.num_ack_pending, [...this.#resting.values()].filter((work) => work.kind === kind && work.workClass === workClass).length);
        waiting += info.num_pending + resting;
        leased += info.num_ack_pending - resting;
      } catch (error) {
        // no stream, or a class that nobody may have: nothing waits there
        if (![10_014, 10_059].includes(codeOf(error))) throw error;
      }
    }));
    return { waiting, leased };
  }

  #watch(): void {
    this.#cancelWatch = this.#o.clock.after(this.#o.watchEveryMs ?? 1_000, () => {
      this.#lookSoon();
      this.#watch();
    });
  }

  #lookSoon(): void {
    if (this.#closed || !this.#o.provisions) return;
    if (this.#looking !== undefined) return;
    this.#looking = this.#look()
      .catch(() => undefined) // looked again at the next tick
      .finally(() => (this.#looking = undefined));
  }

  async #look(): Promise<void> {
    const found = await this.#streams.isLost();
    if (found === 'missing') {
      await this.#streams.provision();
      await this.#streams.isLost();
    }
    await this.#parked.refresh();
    if (found !== 'same') for (const listener of this.#lostListeners) listener();
  }
}
