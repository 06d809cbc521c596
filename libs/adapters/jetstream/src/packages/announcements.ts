import { DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JsMsg } from '@nats-io/jetstream';
import type { Log } from '@maestro/ports';
import { keepUp } from '../connection/keep-up.ts';
import type { KeptUp } from '../connection/keep-up.ts';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';

/** Takes an announcement; null: it is offered from now on, else why not. */
export type Announced = { announce(key: string, bytes: Uint8Array): string | null };

/**
 * Reads the KV bucket `<prefix>-packages`, where external workers announce what they serve, and goes on reading. Makes the
 * bucket where it is missing. Resolves when all that was announced before has been taken.
 * P1. A key is written once: the server refuses a second value, so that what a run is pinned to stays what it was.
 * P2. What does not fit is named in the log and left out; the others are taken.
 */
export async function followAnnouncements(link: NatsLink, announced: Announced, log: Log): Promise<KeptUp> {
  const bucket = `${link.names.prefix}-packages`;
  const prefix = `$KV.${bucket}.`;
  const take = ({ subject, data }: JsMsg): void => {
    const key = subject.slice(prefix.length);
    const refusal = announced.announce(key, data);
    log.log(refusal === null ? 'info' : 'warn', refusal === null ? 'a package was announced' : 'an announcement of a package was refused', { key, ...(refusal === null ? {} : { refusal }) });
  };
  let loaded: () => void = () => {};
  const isLoaded = new Promise<void>((resolve) => (loaded = resolve));
  const following = keepUp(
    (signal) => read(link, { bucket, prefix, take, loaded }, signal),
    (error) => log.log('warn', 'announcements of packages cannot be read now; trying again', { error }),
  );
  await isLoaded;
  return following;
}

type Reading = { readonly bucket: string; readonly prefix: string; readonly take: (message: JsMsg) => void; readonly loaded: () => void };

async function read(link: NatsLink, { bucket, prefix, take, loaded }: Reading, signal: AbortSignal): Promise<void> {
  const stream = `KV_${bucket}`;
  await provision(link, stream, prefix);
  const { streams } = await jetstreamManager(link.connection, { checkAPI: false, timeout: 5_000 });
  const { state } = await streams.info(stream);
  const consumer = await jetstream(link.connection, { timeout: 5_000 }).consumers.get(stream, { deliver_policy: DeliverPolicy.All });
  const messages = await consumer.consume({ abort_on_missing_resource: true });
  signal.addEventListener('abort', () => messages.stop(), { once: true });
  if (signal.aborted) messages.stop();
  if (state.messages === 0) loaded();
  for await (const message of messages) {
    take(message);
    if (message.info.pending === 0) loaded();
  }
}

/** A KV bucket by its stream, since no client lets a bucket refuse a second value. */
async function provision(link: NatsLink, name: string, prefix: string): Promise<void> {
  const { streams } = await jetstreamManager(link.connection, { checkAPI: false, timeout: 5_000 });
  try {
    await streams.add({
      name,
      subjects: [`${prefix}>`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: 1,
      max_msgs: 10_000,
      max_msg_size: 256 * 1_024 + 1_024,
      allow_direct: true,
      deny_delete: true,
    });
  } catch (error) {
    // made before, perhaps replicated: its limits are the operator's
    if (codeOf(error) !== 10_058) throw error;
  }
}
