import { JetStreamApiError, type ApiError, type StreamInfo } from '@nats-io/jetstream';
import type { NatsLink } from '../connection/nats-connection.ts';
import { Fault } from '@maestro/ports';
import { codeOf } from '../stream-errors.ts';
import { leftMs, persist, type Patience } from './persist.ts';

/** One message of the event stream as the server has it; nothing of it is proved. */
export type RawCommit = { readonly seq: number; readonly subject: string; readonly data: Uint8Array };

/** The newest message of the stream, and which life of the stream it is. */
export type StreamHead = { readonly seq: number; readonly created: string };

/** One message by place: with this sequence, or the first from it on with this subject, or the last with it. */
export type Wanted = { readonly seq: number } | { readonly seq: number; readonly next_by_subj: string } | { readonly last_by_subj: string };

const NOT_FOUND = 10_037;
/** One try; a leader that does not answer within it is on its way out. */
const TRY_MS = 2_000;

/**
 * Reads that the leader of the stream answers, so that they hold every acknowledged commit. Replicas answer faster, but were
 * stale right after an acknowledgement in one read of six.
 */
export class LeaderReads {
  readonly #link: NatsLink;
  readonly #stream: string;

  constructor(link: NatsLink, stream: string) {
    this.#link = link;
    this.#stream = stream;
  }

  async head(p: Patience): Promise<StreamHead> {
    const { created, state } = await this.#info({}, p);
    return { seq: state.last_seq, created };
  }

  /** Undefined: there is no such message. */
  commit(wanted: Wanted, p: Patience): Promise<RawCommit | undefined> {
    return persist(this.#link, `reading the stream ${this.#stream}`, p, async () => {
      try {
        const { message } = await this.#ask<{ message: { subject: string; seq: number; data?: string } }>(`STREAM.MSG.GET.${this.#stream}`, wanted, p);
        return { seq: message.seq, subject: message.subject, data: Buffer.from(message.data ?? '', 'base64') };
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return undefined;
        throw error;
      }
    });
  }

  /**
   * The last commit of a subject; undefined: there was never one. A server that cannot read it any more says that there is none,
   * but still counts it. Fault: STORE_DAMAGED.
   */
  async last(subject: string, p: Patience): Promise<RawCommit | undefined> {
    const last = await this.commit({ last_by_subj: subject }, p);
    if (last !== undefined) return last;
    if (!(await this.counts(subject, p))) return undefined;
    // it may have come between the two questions
    const again = await this.commit({ last_by_subj: subject }, p);
    if (again === undefined) throw new Fault('STORE_DAMAGED', `the last commit under ${subject} cannot be read by the server; restore a backup`);
    return again;
  }

  /** Whether the server counts messages of a subject, readable or not. */
  async counts(subject: string, p: Patience): Promise<boolean> {
    const { state } = await this.#info({ subjects_filter: subject }, p);
    return (state.subjects?.[subject] ?? 0) > 0;
  }

  #info(body: unknown, p: Patience): Promise<StreamInfo> {
    return persist(this.#link, `asking for the stream ${this.#stream}`, p, () => this.#ask<StreamInfo>(`STREAM.INFO.${this.#stream}`, body, p));
  }

  async #ask<T>(call: string, body: unknown, p: Patience): Promise<T> {
    const timeout = Math.max(1, Math.min(TRY_MS, leftMs(p)));
    const answer = await this.#link.connection.request(`$JS.API.${call}`, JSON.stringify(body), { timeout });
    const read = answer.json<T & { error?: ApiError }>();
    if (read.error !== undefined) throw new JetStreamApiError(read.error);
    return read;
  }
}
