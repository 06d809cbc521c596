import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { WorkKind } from '@maestro/ports';
import { codeOf } from '../stream-errors.ts';
import type { ApiCalls } from './api-calls.ts';
import type { WorkSubjects } from './work-subjects.ts';

/** How the streams of the queue are made; all processes of a deployment say the same. */
export type WorkStreamSettings = {
  /** of MC_WORK and MC_PARKED; 1, 3 or 5, default 1 */
  readonly replicas?: number;
  /** every class that tasks may have; checks have the class `default` only; default `default`, `small`, `medium`, `large` */
  readonly classes?: readonly string[];
  /** the server hands work out again whose runner was silent for so long; 1,000 to 600,000, default 30,000 */
  readonly silenceMaxMs?: number;
  /** leases of one class at once, over all runners; default 4,096 */
  readonly leasedMax?: number;
  /** bytes of work in memory at most; beyond it publishing is refused; default 512 MiB */
  readonly bytesMax?: number;
  /** names of rejected intents that are kept, the oldest go first; default 10,000 */
  readonly parkedMax?: number;
};

export const WORK_STREAM_DEFAULTS = {
  replicas: 1,
  classes: ['default', 'small', 'medium', 'large'],
  silenceMaxMs: 30_000,
  leasedMax: 4_096,
  bytesMax: 512 * 1_024 * 1_024,
  parkedMax: 10_000,
} as const satisfies Required<WorkStreamSettings>;

/** A check that nobody answers denies its run after 30 s: what a dead policy process held has to come again long before. */
const POLICY_SILENCE_MAX_MS = 5_000;
const KINDS: readonly WorkKind[] = ['policy', 'task'];
/** Resends of one publish are told apart from new ones for so long. */
const DEDUP_WINDOW_MS = 10 * 60_000;

/** Makes the streams and consumers of the work queue, and tells whether MC_WORK is still the one that it was. */
export class WorkStreams {
  readonly #calls: ApiCalls;
  readonly #subjects: WorkSubjects;
  readonly #settings: Required<WorkStreamSettings>;
  #created: string | undefined;
  #lastSequence = 0;

  constructor(calls: ApiCalls, subjects: WorkSubjects, settings: WorkStreamSettings) {
    this.#calls = calls;
    this.#subjects = subjects;
    this.#settings = { ...WORK_STREAM_DEFAULTS, ...settings };
  }

  classesOf(kind: WorkKind): readonly string[] {
    return kind === 'policy' ? ['default'] : this.#settings.classes;
  }

  /** After so long without a word from who holds it, work of this kind is handed out again. */
  silenceMaxMs(kind: WorkKind): number {
    const { silenceMaxMs } = this.#settings;
    return kind === 'policy' ? Math.min(silenceMaxMs, POLICY_SILENCE_MAX_MS) : silenceMaxMs;
  }

  /** Makes what is missing; idempotent. */
  async provision(): Promise<void> {
    const { workStream, parkedStream, allWork, allParked } = this.#subjects;
    const { replicas, bytesMax, parkedMax, leasedMax } = this.#settings;
    // discard new: a full queue refuses, and loses nothing that it took
    await this.#ensure(workStream, { subjects: [allWork], storage: StorageType.Memory, retention: RetentionPolicy.Workqueue, discard: DiscardPolicy.New, num_replicas: replicas, max_bytes: bytesMax, duplicate_window: nanos(DEDUP_WINDOW_MS) });
    await this.#ensure(parkedStream, { subjects: [allParked], storage: StorageType.File, retention: RetentionPolicy.Limits, discard: DiscardPolicy.Old, num_replicas: replicas, max_msgs: parkedMax, max_msgs_per_subject: 1, allow_direct: true });
    const lanes = KINDS.flatMap((kind) => this.classesOf(kind).map((workClass) => ({ kind, workClass })));
    await Promise.all(lanes.map(({ kind, workClass }) => this.#calls.ask(({ consumers }) => consumers.add(workStream, {
      durable_name: this.#subjects.consumer(kind, workClass),
      filter_subject: this.#subjects.lane(kind, workClass),
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(this.silenceMaxMs(kind)),
      // a message over its deliveries would stay for ever, undelivered: the consumer parks it by name
      max_deliver: -1,
      max_ack_pending: leasedMax,
      max_waiting: 4_096,
    }))));
  }

  /** Notes a sequence that the stream gave: it must never give a lower one, as long as it is the same stream. */
  saw(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
  }

  /**
   * Whether work may have been lost since the last call: the stream is gone, is another one, or lost its messages (memory
   * of a cluster's node keeps the stream's name and birth, not what is in it). False at the first call.
   */
  async isLost(): Promise<'same' | 'missing' | 'other'> {
    // what is stored while this is asked may be acknowledged before the answer comes
    const sawBefore = this.#lastSequence;
    const info = await this.#info();
    if (info === undefined) return 'missing';
    const { created, state } = info;
    const isOther = this.#created !== undefined && (created !== this.#created || state.last_seq < sawBefore);
    this.#lastSequence = isOther ? state.last_seq : Math.max(this.#lastSequence, state.last_seq);
    this.#created = created;
    return isOther ? 'other' : 'same';
  }

  async #info(): Promise<StreamInfo | undefined> {
    try {
      return await this.#calls.ask(({ streams }) => streams.info(this.#subjects.workStream));
    } catch (error) {
      if (codeOf(error) === 10_059) return undefined;
      throw error;
    }
  }

  async #ensure(name: string, config: Partial<StreamConfig>): Promise<void> {
    try {
      await this.#calls.ask(({ streams }) => streams.add({ name, ...config }));
    } catch (error) {
      // made before with other limits: what may change is changed, what may not is said by the server
      if (codeOf(error) !== 10_058) throw error;
      const { storage: _storage, retention: _retention, ...changeable } = config;
      await this.#calls.ask(({ streams }) => streams.update(name, changeable));
    }
  }
}
