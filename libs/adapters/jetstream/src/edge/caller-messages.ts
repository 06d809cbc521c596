import type { Msg } from '@nats-io/transport-node';
import type { CallerMessage, CallerMessages, Consumption, Log } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { messageOf, within } from './caller-message.ts';
import { IntakeConsumption } from './intake-consumption.ts';
import { INTAKE_DEFAULTS } from './intake-stream.ts';
import type { IntakeSettings } from './intake-stream.ts';

/** The api instances that share requests: one of them gets each. */
const QUEUE_GROUP = 'api';

/**
 * Requests below `mc.in.` and durable commands below `mc.intake.`, the latter through the stream MC_INTAKE, which is made
 * where it is missing.
 */
export function openCallerMessages(link: NatsLink, log: Log, settings: Partial<IntakeSettings> = {}): CallerMessages {
  return {
    serve: (handler, refuse, { inFlightMax }) => new RequestConsumption(link, log, { handler, refuse, inFlightMax }),
    takeIn: (handler, { inFlightMax }) => new IntakeConsumption(link, log, { handler, inFlightMax, settings: { ...INTAKE_DEFAULTS, ...settings } }),
  };
}

type Serving = {
  readonly handler: (message: CallerMessage) => Promise<Uint8Array | null>;
  readonly refuse: (message: CallerMessage) => Uint8Array | null;
  readonly inFlightMax: number;
};

class RequestConsumption implements Consumption {
  readonly #log: Log;
  readonly #serving: Serving;
  readonly #inHand = new Set<Promise<void>>();
  readonly #prefix: string;
  readonly #drain: () => Promise<void>;
  #stopping: Promise<void> | undefined;

  constructor(link: NatsLink, log: Log, serving: Serving) {
    this.#log = log;
    this.#serving = serving;
    this.#prefix = link.names.subject('in', '');
    const subscription = link.connection.subscribe(link.names.subject('in', '>'), {
      queue: QUEUE_GROUP,
      callback: (error, message) => (error === null ? this.#take(message) : log.log('error', 'requests over NATS cannot be received', { error })),
    });
    this.#drain = () => (subscription.isClosed() ? Promise.resolve() : link.watch.race(subscription.drain()).catch(() => subscription.unsubscribe()));
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  #take(raw: Msg): void {
    const message = messageOf(raw, this.#prefix);
    if (this.#inHand.size >= this.#serving.inFlightMax) return this.#reply(raw, this.#serving.refuse(message));
    const handled = this.#handle(raw, message).finally(() => this.#inHand.delete(handled));
    this.#inHand.add(handled);
  }

  async #handle(raw: Msg, message: CallerMessage): Promise<void> {
    try {
      this.#reply(raw, await this.#serving.handler(message));
    } catch (error) {
      this.#log.log('error', 'a request over NATS met a bug and was not answered', { error });
    }
  }

  /** An answer that cannot be sent is as one that was lost: the caller asks again. */
  #reply(raw: Msg, answer: Uint8Array | null): void {
    if (answer === null) return;
    try {
      raw.respond(answer);
    } catch (error) {
      this.#log.log('warn', 'an answer over NATS could not be sent', { error });
    }
  }

  async #stop(graceMs: number): Promise<void> {
    await this.#drain();
    await within(graceMs, Promise.all(this.#inHand));
  }
}
