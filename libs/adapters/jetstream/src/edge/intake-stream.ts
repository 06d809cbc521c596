import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';

/** The consumer that all api instances share. */
export const INTAKE_CONSUMER = 'intake';

export type IntakeSettings = {
  readonly replicas: number;
  /** commands together; a full intake refuses, and loses nothing that it took */
  readonly bytesMax: number;
  /** without a sign of life for so long, a command goes to another instance; the same for all instances */
  readonly silenceMaxMs: number;
};

export const INTAKE_DEFAULTS: IntakeSettings = { replicas: 1, bytesMax: 1_024 * 1_024 * 1_024, silenceMaxMs: 30_000 };

/** Makes MC_INTAKE and its consumer where they are missing; idempotent. On disk: acknowledged means that it is there. */
export async function provisionIntake(link: NatsLink, inFlightMax: number, settings: IntakeSettings): Promise<void> {
  const name = link.names.stream('intake');
  const { streams, consumers } = await jetstreamManager(link.connection, { checkAPI: false, timeout: 5_000 });
  try {
    await streams.add({
      name,
      subjects: [link.names.subject('intake', '>')],
      storage: StorageType.File,
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      num_replicas: settings.replicas,
      max_bytes: settings.bytesMax,
      duplicate_window: nanos(10 * 60_000),
    });
  } catch (error) {
    // made before, perhaps with other limits: those are the operator's
    if (codeOf(error) !== 10_058) throw error;
  }
  await consumers.add(name, {
    durable_name: INTAKE_CONSUMER,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(settings.silenceMaxMs),
    // a message over its deliveries would stay for ever, undelivered: each ends by an answer
    max_deliver: -1,
    max_ack_pending: inFlightMax,
  });
}
