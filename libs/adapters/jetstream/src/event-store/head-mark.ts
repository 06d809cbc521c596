import { DiscardPolicy, RetentionPolicy, StorageType, jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import { Fault } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { openCommit } from './commit-envelope.ts';
import { addStream } from './event-stream.ts';
import type { EventSubjects } from './event-subjects.ts';
import { LeaderReads } from './leader-reads.ts';
import { leftMs, ownTime, pauseBeforeTry, persist, type Patience } from './persist.ts';

/** A commit that was acknowledged: its sequence and its id. */
export type MarkedCommit = { readonly seq: number; readonly commitId: string };

/** As stored: also which life of the event stream it is of. */
type Mark = MarkedCommit & { readonly created: string };

/** The mark follows a commit by at most this, and its own write. */
const MARK_DELAY_MS = 50;
const TRIES_AT_CLOSE = 2;

/**
 * The newest acknowledged commit, kept in a stream of its own. A server whose file of the event stream was damaged cuts it off
 * there when it starts after a crash, and goes on as if what followed had never been; the mark is in another file and knows.
 *
 * M1. Only processes that append write it, at most once per `MARK_DELAY_MS`, and once more at close.
 * M2. It never names a commit that was not acknowledged. A write that fails is repeated.
 */
export class HeadMark {
  readonly #link: NatsLink;
  readonly #subject: string;
  readonly #client: JetStreamClient;
  readonly #created: string;
  #newest: MarkedCommit | undefined;
  #writing: Promise<void> | undefined;
  #isClosing = false;

  constructor(link: NatsLink, subjects: EventSubjects, created: string) {
    this.#link = link;
    this.#subject = subjects.mark;
    this.#client = jetstream(link.connection, { timeout: 2_000 });
    this.#created = created;
  }

  note(commit: MarkedCommit): void {
    if (commit.seq <= (this.#newest?.seq ?? 0)) return;
    this.#newest = commit;
    this.#writing ??= this.#writeSoon();
  }

  /** Writes what is not written yet, unless the server is away. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#writing;
  }

  async #writeSoon(): Promise<void> {
    let triesAtClose = 0;
    for (let written: MarkedCommit | undefined; written !== this.#newest && triesAtClose < TRIES_AT_CLOSE;) {
      await new Promise((resolve) => setTimeout(resolve, MARK_DELAY_MS));
      const next = this.#newest;
      const mark = JSON.stringify({ created: this.#created, ...next });
      if (this.#isClosing) triesAtClose += 1;
      try {
        await this.#link.watch.race(this.#client.publish(this.#subject, mark));
        written = next;
      } catch {
        // the server is away: again after the pause
      }
    }
    this.#writing = undefined;
  }
}

/** The stream of the mark, made if it is missing; it holds one message. */
export async function provideMarkStream(link: NatsLink, subjects: EventSubjects, replicas: 1 | 3 | 5, p: Patience): Promise<void> {
  const manager = await jetstreamManager(link.connection, { checkAPI: false, timeout: 5_000 });
  const config = {
    name: subjects.markStream,
    description: 'newest acknowledged commit of the event store',
    subjects: [subjects.mark],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    num_replicas: replicas,
  };
  await persist(link, `making the stream ${subjects.markStream}`, p, async () => {
    const names = await manager.streams.names(subjects.mark).next();
    if (names.length === 0) await addStream(manager, config);
  });
}

/**
 * Refuses an event stream that lacks what the mark names: fault STORE_BEHIND_MARK. A leader that was just elected may take a moment
 * to show all, and is given the time of the call.
 */
export async function checkHeadMark(link: NatsLink, subjects: EventSubjects, leader: LeaderReads, created: string, p: Patience): Promise<void> {
  const raw = await new LeaderReads(link, subjects.markStream).commit({ last_by_subj: subjects.mark }, p);
  const mark = raw === undefined ? undefined : parseMark(raw.data);
  if (mark === undefined) return;
  const remedy = `restore a backup of the stream; whoever accepts the loss removes the stream ${subjects.markStream} and makes the read models anew`;
  if (mark.created !== created) {
    throw new Fault('STORE_BEHIND_MARK', `the event stream was made at ${created}, but events were acknowledged in one made at ${mark.created}; ${remedy}`);
  }
  for (let looks = 1; (await leader.head(ownTime(p))).seq < mark.seq; looks += 1) {
    if (leftMs(p) === 0) throw new Fault('STORE_BEHIND_MARK', `the event stream ends before sequence ${mark.seq}, which was acknowledged; ${remedy}`);
    await pauseBeforeTry(looks, p);
  }
  const commit = await leader.commit({ seq: mark.seq }, p);
  const opened = commit === undefined ? undefined : openCommit(commit.data);
  // one that cannot be read is damage, which readers name
  if (opened !== undefined && opened.commitId !== mark.commitId) {
    throw new Fault('STORE_BEHIND_MARK', `sequence ${mark.seq} of the event stream holds another commit than the acknowledged one; ${remedy}`);
  }
}

function parseMark(data: Uint8Array): Mark | undefined {
  try {
    const { created, seq, commitId } = JSON.parse(Buffer.from(data).toString('utf8')) as Partial<Record<keyof Mark, unknown>>;
    return typeof created === 'string' && Number.isSafeInteger(seq) && typeof commitId === 'string' ? { created, seq: Number(seq), commitId } : undefined;
  } catch {
    return undefined;
  }
}
