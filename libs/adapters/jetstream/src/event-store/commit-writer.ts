import { randomUUID } from 'node:crypto';
import { jetstream, type JetStreamClient, type PubAck } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { StreamName } from '@maestro/domain';
import { Fault, type NewEvent, type Version } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { faultOf, outcomeOf } from './call-outcome.ts';
import { holdsExactly, sealCommit } from './commit-envelope.ts';
import { versionOf, type Head } from './commit-place.ts';
import type { EventSubjects } from './event-subjects.ts';
import type { LeaderReads } from './leader-reads.ts';
import { leftMs, pauseBeforeTry, waitForConnection, type Patience } from './persist.ts';
import { proveCommit, proved, type StoredCommit } from './stored-commit.ts';

/** A commit that is stored, by this call or (`isEarlier`) by one before it; or where the stream stands instead. */
export type Written =
  | { readonly kind: 'stored'; readonly head: Head; readonly commitId: string; readonly isEarlier: boolean }
  | { readonly kind: 'conflict'; readonly actual: Version | undefined };

/** One append. `at`: where the caller stands. */
export type CommitRequest = { readonly stream: StreamName; readonly at: Head; readonly events: readonly NewEvent[] };

/** How the commit is written, in headers: for people and tools; readers trust the envelope only. */
const ENVELOPE_VERSION = '1';
const TRY_MS = 2_000;

/**
 * Appends commits, one message each.
 *
 * A1. The expected last sequence of the subject is the guard. A try is repeated with the same message id and the same expectation.
 * A2. `duplicate` is believed only when the message at that sequence is this very commit: the server compares ids of the whole
 *     stream, and drops a message whose id it knows, whatever its subject.
 * A3. Wrong last sequence: the leader tells which commit came first. It is ours (an earlier try), one with the same events (an
 *     earlier call), or a conflict; where it shows none, the refusal was about a commit that was not made, and the try is repeated.
 * A4. No answer, a lost connection, no leader, a spurious refusal: the try is repeated until the time is over; then the outcome is
 *     unknown, unless no try can have reached the server.
 * A5. No room and too large are not repeated.
 * A6. The guard of a server that cannot read the last commit of a stream lets a first one through: before a stream is begun, the
 *     server is asked whether it counts commits of it.
 */
export class CommitWriter {
  readonly #link: NatsLink;
  readonly #leader: LeaderReads;
  readonly #subjects: EventSubjects;
  readonly #client: JetStreamClient;
  readonly #newId: () => string;

  constructor(link: NatsLink, leader: LeaderReads, subjects: EventSubjects, newId: () => string = randomUUID) {
    this.#link = link;
    this.#newId = newId;
    this.#leader = leader;
    this.#subjects = subjects;
    this.#client = jetstream(link.connection, { timeout: TRY_MS });
  }

  async write(request: CommitRequest, p: Patience): Promise<Written> {
    const { stream, at, events } = request;
    const commitId = this.#newId();
    const payload = sealCommit({ commitId, stream, after: at.seq, firstRevision: at.revision + 1 }, events);
    const what = `appending to ${stream}`;
    const begun = at.seq === 0 ? await this.#begunAlready(request, commitId, p) : undefined;
    if (begun !== undefined) return begun;
    let isUnknown = false;
    let last: unknown;
    for (let tries = 0; ; tries += 1) {
      if (tries > 0) await pauseBeforeTry(tries, p);
      await waitForConnection(this.#link, p);
      if (p.signal.aborted || (tries > 0 && leftMs(p) === 0) || !this.#link.watch.isUp) throw givenUp(what, isUnknown, p, last);
      try {
        const ack = await this.#publish(request, commitId, payload, p);
        return ack.duplicate ? await this.#sameCommit(request, commitId, ack, p) : stored(request, ack.seq, commitId);
      } catch (error) {
        last = error;
        const outcome = outcomeOf(error);
        if (error instanceof Fault) throw error;
        if (outcome === 'conflict') {
          const verdict = await this.#whoCameFirst(request, commitId, p).catch((fault: unknown) => Promise.reject(unknownUnlessDamaged(what, fault)));
          if (verdict !== undefined) return verdict;
        } else if (outcome === 'unknown') isUnknown = true;
        else if (outcome !== 'nothing') throw isUnknown ? outcomeUnknown(what, error) : faultOf(error, what);
      }
    }
  }

  #publish({ stream, at, events }: CommitRequest, commitId: string, payload: Uint8Array, p: Patience): Promise<PubAck> {
    const own = headers();
    own.set('Mc-Version', ENVELOPE_VERSION);
    own.set('Mc-Events', String(events.length));
    const timeout = Math.max(1, Math.min(TRY_MS, leftMs(p)));
    const expect = { streamName: this.#subjects.stream, lastSubjectSequence: at.seq };
    return this.#link.watch.race(this.#client.publish(this.#subjects.of(stream), payload, { msgID: commitId, expect, headers: own, timeout }));
  }

  /** Rule A6; undefined: the stream may be begun. */
  async #begunAlready(request: CommitRequest, commitId: string, p: Patience): Promise<Written | undefined> {
    const isBegun = await this.#leader.counts(this.#subjects.of(request.stream), p);
    return isBegun ? this.#whoCameFirst(request, commitId, p) : undefined;
  }

  async #sameCommit(request: CommitRequest, commitId: string, { seq }: PubAck, p: Patience): Promise<Written> {
    const raw = await this.#leader.commit({ seq }, p);
    const commit = raw === undefined ? undefined : proveCommit(raw, this.#subjects);
    if (commit?.stream === request.stream && commit.opened?.commitId === commitId) return stored(request, seq, commitId);
    const detail = `the server took commit ${commitId} of ${request.stream} for the one at sequence ${seq}, which is another; nothing was written`;
    throw new Fault('STORE_DAMAGED', detail);
  }

  /** Undefined: nobody did. */
  async #whoCameFirst(request: CommitRequest, commitId: string, p: Patience): Promise<Written | undefined> {
    const { stream, at, events } = request;
    const subject = this.#subjects.of(stream);
    const raw = await this.#leader.commit({ seq: at.seq + 1, next_by_subj: subject }, p);
    if (raw !== undefined) {
      const first = proveCommit(raw, this.#subjects);
      const opened = proved(first);
      if (opened.commitId === commitId) return stored(request, raw.seq, commitId);
      if (opened.after === at.seq && holdsExactly(opened, events)) return stored(request, raw.seq, opened.commitId, true);
    }
    const newest = await this.#leader.last(subject, p);
    if ((newest?.seq ?? 0) === at.seq) return undefined;
    return { kind: 'conflict', actual: newest === undefined ? undefined : versionOf(headAfter(proveCommit(newest, this.#subjects))) };
  }
}

function stored({ at, events }: CommitRequest, seq: number, commitId: string, isEarlier = false): Written {
  return { kind: 'stored', head: { seq, revision: at.revision + events.length }, commitId, isEarlier };
}

function headAfter(commit: StoredCommit): Head {
  const opened = proved(commit);
  return { seq: commit.seq, revision: opened.firstRevision + opened.events.length - 1 };
}

function givenUp(what: string, isUnknown: boolean, { signal }: Patience, last: unknown): Fault {
  if (isUnknown) return outcomeUnknown(what, last);
  if (signal.aborted) return new Fault('ABORTED', `${what}: the signal fired; nothing was written`);
  return new Fault('STORE_UNAVAILABLE', `${what}: no leader took it in time; nothing was written`, { retryable: true, cause: last });
}

function outcomeUnknown(what: string, cause: unknown): Fault {
  return new Fault('STORE_OUTCOME_UNKNOWN', `${what}: no answer in time; send the same events at the same version again`, { retryable: true, cause });
}

/** The stream was read to learn whose commit is there: without an answer that stays unknown. */
function unknownUnlessDamaged(what: string, fault: unknown): unknown {
  return fault instanceof Fault && fault.code === 'STORE_DAMAGED' ? fault : outcomeUnknown(what, fault);
}
