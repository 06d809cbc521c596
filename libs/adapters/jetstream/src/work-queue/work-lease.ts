import type { Msg } from '@nats-io/transport-node';
import { Fault } from '@maestro/ports';
import type { Clock, Leased, Settlement, Work } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';

type Handler = (leased: Leased, signal: AbortSignal) => Promise<Settlement>;

/** How a lease is held, and what becomes of it. */
export type LeaseTerms = {
  readonly ackWaitMs: number;
  /** how often the server hears that the handler still works */
  readonly workingEveryMs: number;
  /** how long work rests whose handler threw */
  readonly throwDelayMs: number;
  /** keeps rejected work by name; where that fails the work is handed out again */
  readonly park: (work: Work, reason: string) => Promise<void>;
  /** The work went back, and comes not before the delay. */
  readonly resting: (work: Work, delayMs: number) => void;
};

const ANSWER_WITHIN_MS = 2_000;
const ANSWER_TRIES = 3;

/** What the server says of a delivered message, from its reply subject. */
export function deliveryOf(reply: string): { readonly delivery: number; readonly sequence: number; readonly storedAtNs: string; readonly pending: number } {
  const tokens = reply.split('.');
  // ….<delivery>.<stream sequence>.<consumer sequence>.<time>.<pending>, after 4 tokens or (with domain and account) 6, then a random one
  const at = tokens.length > 9 ? 6 : 4;
  return { delivery: Number(tokens[at]), sequence: Number(tokens[at + 1]), storedAtNs: tokens[at + 3] ?? '', pending: Number(tokens[at + 4] ?? 0) };
}

/**
 * One delivered message in the hand of one handler.
 * L1. It is settled once: by the handler's answer, when its time runs out, or when its consumer gives it up. What the
 *     handler says later has no effect.
 * L2. While it is held the server hears of it every `workingEveryMs`; a process that dies is silent, and the server hands
 *     the work out again.
 * L3. An answer that the server did not confirm is lost at worst: the work comes again.
 * L4. Revoked work never goes back, whatever its handler says.
 */
export class WorkLease {
  readonly work: Work;
  readonly #message: Msg;
  readonly #link: NatsLink;
  readonly #clock: Clock;
  readonly #terms: LeaseTerms;
  readonly #abort = new AbortController();
  #settling: Promise<void> | undefined;
  #isRevoked = false;
  #cancelWorking: () => void = () => {};
  #cancelExpiry: () => void = () => {};

  constructor(work: Work, message: Msg, link: NatsLink, clock: Clock, terms: LeaseTerms) {
    this.work = work;
    this.#message = message;
    this.#link = link;
    this.#clock = clock;
    this.#terms = terms;
    this.#sayWorking();
  }

  /** Resolves when the handler has answered and the server has heard it. */
  async run(handler: Handler): Promise<void> {
    const { delivery, sequence, storedAtNs } = deliveryOf(this.#message.reply ?? '');
    const { ackWaitMs, throwDelayMs } = this.#terms;
    this.#cancelExpiry = this.#clock.after(ackWaitMs, () => this.giveUp(new Fault('ABORTED', `the lease of intent ${this.work.intentId} ran out after ${ackWaitMs} ms`)));
    let answer: Settlement;
    try {
      // a sequence may come again in a stream that was made anew: the time never does
      answer = await handler({ work: this.work, leaseId: `${storedAtNs}-${sequence}-${delivery}`, delivery }, this.#abort.signal);
    } catch {
      answer = { kind: 'retry', delayMs: throwDelayMs };
    }
    await this.settle(answer);
  }

  /** The first answer counts. */
  settle(answer: Settlement): Promise<void> {
    this.#settling ??= this.#settle(answer);
    return this.#settling;
  }

  /** Takes the work away from its handler; it goes back at once. */
  giveUp(reason: Fault): void {
    void this.settle({ kind: 'retry', delayMs: 0 });
    this.#abort.abort(reason);
  }

  revoke(): void {
    this.#isRevoked = true;
    this.#abort.abort(new Fault('ABORTED', `intent ${this.work.intentId} was revoked`));
  }

  /** Lets go without an answer: the connection is being closed. */
  drop(reason: Fault): void {
    this.#settling ??= Promise.resolve();
    this.#quiet();
    this.#abort.abort(reason);
  }

  async #settle(answer: Settlement): Promise<void> {
    this.#quiet();
    if (answer.kind === 'reject') {
      try {
        await this.#terms.park(this.work, answer.reason);
        return await this.#tell(`+TERM ${answer.reason.replaceAll(/\s+/g, ' ').slice(0, 200)}`);
      } catch {
        return this.#handBack(this.#terms.throwDelayMs);
      }
    }
    return answer.kind === 'ack' || this.#isRevoked ? this.#tell('+ACK') : this.#handBack(Math.max(0, answer.delayMs));
  }

  async #handBack(delayMs: number): Promise<void> {
    if (delayMs > 0) this.#terms.resting(this.work, delayMs);
    await this.#tell(delayMs === 0 ? '-NAK' : `-NAK {"delay": ${Math.ceil(delayMs) * 1_000_000}}`);
  }

  #sayWorking(): void {
    this.#cancelWorking = this.#clock.after(this.#terms.workingEveryMs, () => {
      if (!this.#link.connection.isClosed()) this.#message.respond('+WPI');
      this.#sayWorking();
    });
  }

  #quiet(): void {
    this.#cancelWorking();
    this.#cancelExpiry();
  }

  /** Confirmed by the server, or given up: then it hands the work out again. */
  async #tell(answer: string): Promise<void> {
    const { connection, watch } = this.#link;
    for (let tries = 0; tries < ANSWER_TRIES && !connection.isClosed(); tries += 1) {
      try {
        await watch.up(AbortSignal.timeout(ANSWER_WITHIN_MS));
        await watch.race(connection.request(this.#message.reply ?? '', answer, { timeout: ANSWER_WITHIN_MS }));
        return;
      } catch (error) {
        // nobody there: the consumer is gone, and the work with it
        if ((error as { name?: string }).name === 'RequestError') return;
      }
    }
  }
}
