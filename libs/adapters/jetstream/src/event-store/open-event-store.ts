import { EMBEDDED_STORE_LIMITS, Fault, type StoreLimits } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { ENVELOPE_BYTES_MAX, ENVELOPE_BYTES_PER_EVENT_MAX } from './commit-envelope.ts';
import { Cursors } from './commit-place.ts';
import { CommitWriter } from './commit-writer.ts';
import { DirectReads } from './direct-reads.ts';
import { provideEventStream } from './event-stream.ts';
import { EventSubjects } from './event-subjects.ts';
import { HeadMark, checkHeadMark, provideMarkStream } from './head-mark.ts';
import { HeadWatch } from './head-watch.ts';
import { JetStreamEventStore } from './jetstream-event-store.ts';
import { LeaderReads } from './leader-reads.ts';
import { LogReader } from './log-reader.ts';
import { PATIENCE_MS, patience } from './persist.ts';
import { RecentCommits } from './recent-commits.ts';
import { StreamReader } from './stream-reader.ts';
import { proveDurability, type SyncReporter } from './sync-proof.ts';

export type JetStreamEventStoreOptions = {
  /** shared with others; the store does not close it */
  readonly link: NatsLink;
  /** copies of the stream on different servers, where it is made; default 1, production 3 */
  readonly replicas?: 1 | 3 | 5;
  /** the stream takes no more than this, then appends answer STORE_READ_ONLY; default: as much as the server gives */
  readonly bytesMax?: number;
  /** asks the servers whether they sync each write; without it nothing is proved */
  readonly syncReporter?: SyncReporter;
  /** goes on where that is not proved; `durability` says so, and receipts show it; default false */
  readonly acceptWeakDurability?: boolean;
  /** events of one page at most; default as embedded */
  readonly pageEventsMax?: number;
  /** a call without `timeoutMs` waits so long for a leader; 1,000 to 60,000, default 15,000 */
  readonly patienceMs?: number;
};

/**
 * Opens the store, making its stream `<PREFIX>_EV` where it is missing. Faults: STORE_UNAVAILABLE (retryable), STORE_DENIED,
 * NATS_MISCONFIGURED, DURABILITY_WEAK, STORE_BEHIND_MARK.
 */
export async function openJetStreamEventStore(o: JetStreamEventStoreOptions): Promise<JetStreamEventStore> {
  const { link, acceptWeakDurability = false } = o;
  const subjects = new EventSubjects(link.names);
  const patienceMs = o.patienceMs ?? PATIENCE_MS;
  const p = patience(patienceMs, new AbortController().signal);
  const limits = limitsOf(link, o.pageEventsMax);
  const info = await provideEventStream(link, subjects, { replicas: o.replicas ?? 1, bytesMax: o.bytesMax }, p);
  await provideMarkStream(link, subjects, o.replicas ?? 1, p);
  const durability = await proveDurability(info, link.connection.info?.server_name ?? '', o.syncReporter, acceptWeakDurability);
  const leader = new LeaderReads(link, subjects.stream);
  await checkHeadMark(link, subjects, leader, info.created, p);
  const direct = new DirectReads(link, subjects.stream);
  const cursors = new Cursors(info.created);
  const recent = new RecentCommits(() => link.watch.losses);
  return new JetStreamEventStore({
    leader,
    direct,
    cursors,
    recent,
    log: new LogReader(leader, direct, { subjects, cursors, recent }),
    streams: new StreamReader(leader, direct, subjects, cursors),
    writer: new CommitWriter(link, leader, subjects),
    head: new HeadWatch(link, leader, subjects),
    mark: new HeadMark(link, subjects, info.created),
    created: info.created,
    limits,
    durability,
    patienceMs,
  });
}

/** A commit is one message, so it must fit into what the server takes, envelope included. */
function limitsOf(link: NatsLink, pageEventsMax: number | undefined): StoreLimits {
  const { eventBytesMax, commitEventsMax, commitBytesMax } = EMBEDDED_STORE_LIMITS;
  const messageBytesMax = link.connection.info?.max_payload ?? 0;
  const room = messageBytesMax - ENVELOPE_BYTES_MAX - commitEventsMax * ENVELOPE_BYTES_PER_EVENT_MAX;
  if (room < eventBytesMax) {
    throw new Fault('NATS_MISCONFIGURED', `the server takes messages of ${messageBytesMax} bytes; the event store needs max_payload 1MB or more`);
  }
  const pageMax = pageEventsMax ?? EMBEDDED_STORE_LIMITS.pageEventsMax;
  return { eventBytesMax, commitEventsMax, commitBytesMax: Math.min(commitBytesMax, room), pageEventsMax: pageMax };
}
