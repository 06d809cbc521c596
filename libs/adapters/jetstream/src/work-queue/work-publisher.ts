import { jetstream } from '@nats-io/jetstream';
import type { JetStreamClient } from '@nats-io/jetstream';
import { headers, nuid } from '@nats-io/transport-node';
import type { MsgHdrs } from '@nats-io/transport-node';
import { Fault } from '@maestro/ports';
import type { Work, WorkKind } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf, isDenied, isNobodyThere } from '../stream-errors.ts';
import { DEADLINE_MS, PASSING, pause } from './api-calls.ts';
import type { ApiCalls } from './api-calls.ts';
import type { ParkedRecords } from './parked-records.ts';
import type { WorkSubjects } from './work-subjects.ts';

export type PublisherTerms = {
  readonly classesOf: (kind: WorkKind) => readonly string[];
  readonly waitingMax: number;
  /** works that wait now, of all kinds and classes */
  readonly depth: () => Promise<number>;
  /** The stream is not there. */
  readonly missing: () => void;
  /** The stream gave this sequence. */
  readonly saw: (sequence: number) => void;
};

const PUBLISH_WITHIN_MS = 2_000;
/** Room for headers and protocol within the server's largest payload. */
const FRAME_BYTES = 4_096;

/** The subject has a message already: the intent waits, rests or is leased. */
const TAKEN = 10_071;
/** The stream is over its bytes or messages, or the server over its memory. */
const FULL: ReadonlySet<number> = new Set([10_077, 10_047, 10_023, 10_028]);

/**
 * Publishes work.
 * P1. A message is stored only while its subject is empty (`expected last sequence 0`): that alone makes publishing
 *     idempotent while the intent waits or is leased, and lets it come again afterwards.
 * P2. The message id is new with each call (`<intent>.<refill>`) and the same for its resends: it absorbs the resend of a
 *     publish whose work was done before the resend came.
 */
export class WorkPublisher {
  readonly #link: NatsLink;
  readonly #subjects: WorkSubjects;
  readonly #calls: ApiCalls;
  readonly #parked: ParkedRecords;
  readonly #terms: PublisherTerms;
  readonly #client: JetStreamClient;
  readonly #name = nuid.next();
  #refills = 0;
  /** works that wait, at most */
  #waitingBound = Number.POSITIVE_INFINITY;

  constructor(link: NatsLink, subjects: WorkSubjects, calls: ApiCalls, parked: ParkedRecords, terms: PublisherTerms) {
    this.#link = link;
    this.#subjects = subjects;
    this.#calls = calls;
    this.#parked = parked;
    this.#terms = terms;
    this.#client = jetstream(link.connection, { timeout: PUBLISH_WITHIN_MS });
  }

  /** Faults: QUEUE_FULL and NATS_UNAVAILABLE, which may be tried again; WORK_TOO_LARGE, NATS_DENIED. */
  async publish(work: readonly Work[]): Promise<void> {
    const fresh = new Map<string, Work>();
    for (const one of work) {
      const classes = this.#terms.classesOf(one.kind);
      if (!classes.includes(one.workClass)) throw new Error(`"${one.workClass}" is no class of ${one.kind} work in this queue; it has ${classes.join(', ')}`);
      if (!(await this.#parked.has(one.intentId))) fresh.set(one.intentId, one);
    }
    await this.#admit(fresh);
    const refill = (this.#refills += 1);
    await Promise.all([...fresh.values()].map((one) => this.#publishOne(one, `${one.intentId}.${this.#name}-${refill}`)));
  }

  /** Counts for itself, and asks the server only where its own bound is reached. */
  async #admit(fresh: ReadonlyMap<string, Work>): Promise<void> {
    const { waitingMax, depth } = this.#terms;
    if (this.#waitingBound + fresh.size <= waitingMax) {
      this.#waitingBound += fresh.size;
      return;
    }
    const waiting = await depth();
    let added = fresh.size;
    if (waiting + added > waitingMax) added -= (await Promise.all([...fresh.keys()].map((id) => this.#isThere(id)))).filter((isThere) => isThere).length;
    if (waiting + added > waitingMax) throw full(`${waiting} works wait, at most ${waitingMax} may`);
    this.#waitingBound = waiting + added;
  }

  async #isThere(intentId: string): Promise<boolean> {
    const asked = this.#calls.ask(({ streams }) => streams.getMessage(this.#subjects.workStream, { last_by_subj: this.#subjects.anyWork(intentId) }));
    return asked.then((found) => found !== null, () => false);
  }

  async #publishOne(work: Work, msgID: string): Promise<void> {
    const [subject, deadlineMs] = [this.#subjects.work(work), Date.now() + DEADLINE_MS];
    const { token: _token, traceparent: _traceparent, ...body } = work;
    const data = Buffer.from(JSON.stringify(body));
    const bytesMax = (this.#link.connection.info?.max_payload ?? 1_048_576) - FRAME_BYTES;
    if (data.length > bytesMax) throw new Fault('WORK_TOO_LARGE', `the work of intent ${work.intentId} is ${data.length} bytes; over NATS at most ${bytesMax} (max_payload of the server)`);
    for (;;) {
      try {
        const { seq } = await this.#link.watch.race(this.#client.publish(subject, data, { msgID, headers: headersOf(work), expect: { lastSubjectSequence: 0 }, timeout: PUBLISH_WITHIN_MS }));
        return this.#terms.saw(seq);
      } catch (error) {
        const code = codeOf(error);
        if (code === TAKEN) return;
        if (FULL.has(code)) throw full('the work stream is over its limit');
        if (isDenied(error)) throw new Fault('NATS_DENIED', 'this user may not publish work: compare its permissions with infra/nats', { cause: error });
        if (isNobodyThere(error)) this.#terms.missing();
        // a refusal that sending again will not change
        if (code !== 0 && !PASSING.has(code)) throw error;
        if (this.#link.connection.isClosed() || Date.now() >= deadlineMs) throw new Fault('NATS_UNAVAILABLE', 'the work queue did not take the work in time; publish it again', { retryable: true, cause: error });
      }
      await pause(this.#link, deadlineMs);
    }
  }
}

function headersOf({ token, traceparent }: Work): MsgHdrs {
  const made = headers();
  if (token !== undefined) made.set('Mc-Token', token);
  if (traceparent !== undefined) made.set('traceparent', traceparent);
  return made;
}

function full(why: string): Fault {
  return new Fault('QUEUE_FULL', `${why}; publish again later`, { retryable: true });
}
