import { DiscardPolicy, PersistMode, RetentionPolicy, StorageType, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { Fault } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';
import { outcomeOf } from './call-outcome.ts';
import type { EventSubjects } from './event-subjects.ts';
import { persist, type Patience } from './persist.ts';

/** How the event stream is made, where it is not there yet. */
export type EventStreamSettings = {
  /** copies on different servers; production: 3 */
  readonly replicas: 1 | 3 | 5;
  /** the stream takes no more than this, then appends answer STORE_READ_ONLY; undefined: as much as the server gives */
  readonly bytesMax?: number | undefined;
};

const DUPLICATE_WINDOW_MS = 120_000;
const STREAM_NOT_FOUND = 10_059;
const NAME_IN_USE = 10_058;

/**
 * The event stream, made if it is missing. One that is there is held against what the promises need: nothing is deleted, ages,
 * or is written later than it is acknowledged. Fault: NATS_MISCONFIGURED, with all that differs.
 */
export async function provideEventStream(link: NatsLink, subjects: EventSubjects, settings: EventStreamSettings, p: Patience): Promise<StreamInfo> {
  const manager = await jetstreamManager(link.connection, { checkAPI: false, timeout: 5_000 });
  const config = configOf(subjects, settings);
  const info = await persist(link, `making the stream ${subjects.stream}`, p, async () => {
    const found = await manager.streams.info(subjects.stream).catch((error: unknown) => {
      if (codeOf(error) === STREAM_NOT_FOUND) return undefined;
      throw error;
    });
    if (found !== undefined) return found;
    return addStream(manager, config).catch((error: unknown) => {
      // another process was faster, with other settings: they are looked at below
      if (codeOf(error) === NAME_IN_USE) return manager.streams.info(subjects.stream);
      throw error;
    });
  });
  const wrong = differences(info.config, config);
  if (wrong.length === 0) return info;
  throw new Fault('NATS_MISCONFIGURED', `the stream ${subjects.stream} cannot hold the events: ${wrong.join('; ')}; correct it, or choose another prefix`);
}

/** Most users may not make streams: they wait for one that may. Fault: STORE_UNAVAILABLE (retryable). */
export async function addStream(manager: JetStreamManager, config: Partial<StreamConfig> & { readonly name: string }): Promise<StreamInfo> {
  try {
    return await manager.streams.add(config);
  } catch (error) {
    if (outcomeOf(error) !== 'denied') throw error;
    const detail = `the stream ${config.name} does not exist yet, and this user may not make it: start a process that may (the command role)`;
    throw new Fault('STORE_UNAVAILABLE', detail, { retryable: true, cause: error });
  }
}

function configOf(subjects: EventSubjects, { replicas, bytesMax }: EventStreamSettings): Partial<StreamConfig> & { readonly name: string } {
  return {
    name: subjects.stream,
    description: 'event store of Maestro Conductor: the log of record',
    subjects: [subjects.all],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    num_replicas: replicas,
    discard: DiscardPolicy.New,
    max_bytes: bytesMax ?? -1,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_age: 0,
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
    allow_rollup_hdrs: false,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    // the server's word of each new message, without its content
    republish: { src: subjects.all, dest: subjects.head, headers_only: true },
  };
}

/** Settings that must be as we make them, by what they would break. */
const EXACT = [
  ...(['storage', 'retention', 'discard', 'max_msgs', 'max_msgs_per_subject', 'max_age'] as const),
  ...(['deny_delete', 'deny_purge', 'allow_direct', 'allow_rollup_hdrs'] as const),
] as const;

/** What a stream that exists has differently, in words; sizes and windows may differ. */
function differences(found: StreamConfig, wanted: Partial<StreamConfig>): string[] {
  const wrong = EXACT.filter((key) => (found[key] ?? false) !== wanted[key]).map((key) => `${key} is ${found[key]} instead of ${wanted[key]}`);
  const show = (value: unknown): string => JSON.stringify(value ?? null);
  if (show(found.subjects) !== show(wanted.subjects)) wrong.push(`its subjects are ${show(found.subjects)} instead of ${show(wanted.subjects)}`);
  const [told, heard] = [found.republish?.dest, wanted.republish?.dest];
  if (told !== heard) wrong.push(`it republishes to ${show(told)} instead of ${show(heard)}`);
  if (found.num_replicas < (wanted.num_replicas ?? 1)) wrong.push(`it has ${found.num_replicas} replicas instead of ${wanted.num_replicas}`);
  if (found.persist_mode === PersistMode.Async) wrong.push('persist_mode is async: acknowledgements come before the write');
  if (found.mirror !== undefined || (found.sources ?? []).length > 0) wrong.push('it takes messages of other streams');
  for (const key of ['sealed', 'no_ack', 'allow_msg_ttl', 'allow_msg_schedules'] as const) if (found[key] === true) wrong.push(`${key} is true`);
  return wrong;
}
