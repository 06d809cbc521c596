import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';

export type CommandStreamSettings = {
  /** shares that streams of aggregates are divided into; the same for all processes of a deployment, 1 to 256 */
  readonly partitions: number;
  /** of MC_CMD; 1, 3 or 5, default 1 */
  readonly replicas?: number;
  /** bytes of waiting commands at most; beyond it they are refused and sent again; default 256 MiB */
  readonly bytesMax?: number;
};

/** The one group of each partition's consumer. */
export const OWNERS = 'owner';
/** An owner that asks for nothing for so long is replaced: the longest part of a takeover. */
const OWNER_SILENT_MS = 2_000;
const DEDUP_WINDOW_MS = 10 * 60_000;
/** A command whose owner died with it in hand comes again by then; its sender has sent another try long before. */
const ACK_WAIT_MS = 30_000;
/** Commands in the hands of owners, and of owners that died lately. */
const IN_HAND_MAX = 8_192;

/** MC_CMD and its consumers: one per partition, with one owner at a time as far as NATS can say. */
export class CommandStream {
  readonly #link: NatsLink;
  readonly #settings: CommandStreamSettings;
  #manager: Promise<JetStreamManager> | undefined;
  readonly name: string;

  constructor(link: NatsLink, settings: CommandStreamSettings) {
    this.#link = link;
    this.#settings = settings;
    this.name = link.names.stream('cmd');
  }

  consumer(partition: number): string {
    return `p${partition}`;
  }

  /** Makes the stream and the consumer of a partition where they are missing, or as another release made them; idempotent. */
  async provision(partition: number): Promise<void> {
    const { replicas = 1, bytesMax = 256 * 1_024 * 1_024 } = this.#settings;
    const { streams, consumers } = await this.#api();
    const subjects = [this.#link.names.subject('cmd', '>')];
    const changeable = { subjects, discard: DiscardPolicy.New, num_replicas: replicas, max_bytes: bytesMax, duplicate_window: nanos(DEDUP_WINDOW_MS) };
    try {
      await streams.add({ name: this.name, storage: StorageType.Memory, retention: RetentionPolicy.Workqueue, ...changeable });
    } catch (error) {
      if (codeOf(error) !== 10_058) throw error;
      await streams.update(this.name, changeable);
    }
    const settings = { ack_wait: nanos(ACK_WAIT_MS), max_ack_pending: IN_HAND_MAX, priority_timeout: nanos(OWNER_SILENT_MS) };
    try {
      await consumers.add(this.name, {
        durable_name: this.consumer(partition),
        filter_subject: this.#link.names.subject('cmd', String(partition), '>'),
        deliver_policy: DeliverPolicy.All,
        ack_policy: AckPolicy.Explicit,
        max_deliver: -1,
        priority_policy: 'pinned_client',
        priority_groups: [OWNERS],
        ...settings,
      });
    } catch (error) {
      if (codeOf(error) !== 10_148) throw error;
      await consumers.update(this.name, this.consumer(partition), settings);
    }
  }

  /** Lets the next owner in at once. */
  async unpin(partition: number): Promise<void> {
    const { consumers } = await this.#api();
    await consumers.unpin(this.name, this.consumer(partition), OWNERS);
  }

  #api(): Promise<JetStreamManager> {
    this.#manager ??= jetstreamManager(this.#link.connection, { checkAPI: false, timeout: 5_000 });
    return this.#manager;
  }
}
