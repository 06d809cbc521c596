import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { Fault } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf, isDenied } from '../stream-errors.ts';

const CALL_WITHIN_MS = 2_000;
/** Covers the loss of a leader, 4 to 8 s. */
export const DEADLINE_MS = 15_000;
const PAUSE_MS = 100;

/** Refusals that pass: in flight beside another one (10164), no leader (10008, 10009), too many at once (10158, 10167). */
export const PASSING: ReadonlySet<number> = new Set([10_164, 10_158, 10_009, 10_008, 10_167]);

/**
 * Calls of the JetStream API that may be made twice: each is raced against the loss of the connection, since the client
 * would let it wait its whole time-out, and made again once somebody answers.
 */
export class ApiCalls {
  readonly #link: NatsLink;
  #manager: Promise<JetStreamManager> | undefined;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** Refusals of the server are thrown as they are. Faults: NATS_UNAVAILABLE, NATS_DENIED. */
  async ask<T>(call: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    this.#manager ??= jetstreamManager(this.#link.connection, { checkAPI: false, timeout: CALL_WITHIN_MS });
    const [manager, endMs] = [await this.#manager, Date.now() + DEADLINE_MS];
    for (;;) {
      try {
        return await this.#link.watch.race(call(manager));
      } catch (error) {
        const code = codeOf(error);
        if (code !== 0 && !PASSING.has(code)) throw error;
        if (isDenied(error)) throw new Fault('NATS_DENIED', 'this user may not do that with the work queue: compare its permissions with infra/nats', { cause: error });
        if (this.#link.connection.isClosed() || Date.now() >= endMs) throw new Fault('NATS_UNAVAILABLE', 'JetStream did not answer about the work queue; try again', { retryable: true, cause: error });
      }
      await pause(this.#link, endMs);
    }
  }
}

/** A moment, with jitter, and the connection if it comes back by then. */
export async function pause({ watch }: NatsLink, endMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * (0.5 + Math.random())));
  await watch.up(AbortSignal.timeout(Math.max(1, endMs - Date.now())));
}
