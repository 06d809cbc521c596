import { jetstream } from '@nats-io/jetstream';
import type { JsMsg } from '@nats-io/jetstream';
import type { CallerMessage, CallerSettlement, Consumption, Log } from '@maestro/ports';
import { keepUp } from '../connection/keep-up.ts';
import type { KeptUp } from '../connection/keep-up.ts';
import type { NatsLink } from '../connection/nats-connection.ts';
import { messageOf, within } from './caller-message.ts';
import { INTAKE_CONSUMER, provisionIntake } from './intake-stream.ts';
import type { IntakeSettings } from './intake-stream.ts';

export type TakingIn = {
  readonly handler: (message: CallerMessage) => Promise<CallerSettlement>;
  readonly inFlightMax: number;
  readonly settings: IntakeSettings;
};

/** A handler that threw decided nothing. */
const THROWN_AGAIN_MS = 5_000;

/**
 * Takes durable commands from MC_INTAKE.
 * I1. A command leaves the stream only after its handler said so; whoever dies before lets it come again, elsewhere.
 * I2. At most `inFlightMax` are handed out, which the server counts over all instances.
 * I3. While a handler works the server hears of it, so that a slow answer does not hand the command to a second one.
 * I4. A stream or a consumer that is gone is made again; until the server can, it is tried every second.
 */
export class IntakeConsumption implements Consumption {
  readonly #link: NatsLink;
  readonly #log: Log;
  readonly #o: TakingIn;
  readonly #inHand = new Set<Promise<void>>();
  readonly #prefix: string;
  readonly #following: KeptUp;
  #stopping: Promise<void> | undefined;

  constructor(link: NatsLink, log: Log, o: TakingIn) {
    this.#link = link;
    this.#log = log;
    this.#o = o;
    this.#prefix = link.names.subject('intake', '');
    this.#following = keepUp(
      (signal) => this.#consume(signal),
      (error) => log.log('warn', 'durable commands cannot be taken in now; trying again', { error }),
    );
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #consume(signal: AbortSignal): Promise<void> {
    await provisionIntake(this.#link, this.#o.inFlightMax, this.#o.settings);
    const consumer = await jetstream(this.#link.connection, { timeout: 5_000 }).consumers.get(this.#link.names.stream('intake'), INTAKE_CONSUMER);
    const messages = await consumer.consume({ max_messages: this.#o.inFlightMax, abort_on_missing_resource: true });
    signal.addEventListener('abort', () => messages.stop(), { once: true });
    if (signal.aborted) messages.stop();
    for await (const raw of messages) {
      // what still comes goes back at once
      if (signal.aborted) raw.nak();
      else this.#take(raw);
    }
  }

  #take(raw: JsMsg): void {
    const handled = this.#handle(raw).finally(() => this.#inHand.delete(handled));
    this.#inHand.add(handled);
  }

  async #handle(raw: JsMsg): Promise<void> {
    const working = setInterval(() => this.#sayWorking(raw), this.#o.settings.silenceMaxMs / 3).unref();
    try {
      // its reply subject is the broker's own: nobody waits for an answer
      const settlement = await this.#o.handler({ ...messageOf(raw, this.#prefix), replyTo: null });
      if (settlement.kind === 'done') await raw.ackAck();
      else raw.nak(settlement.delayMs);
    } catch (error) {
      this.#log.log('error', 'a durable command was not settled and comes again', { error });
      if (!this.#link.connection.isClosed()) raw.nak(THROWN_AGAIN_MS);
    } finally {
      clearInterval(working);
    }
  }

  /** A connection that was closed with commands in hand says nothing: they go to another instance. */
  #sayWorking(raw: JsMsg): void {
    if (!this.#link.connection.isClosed()) raw.working();
  }

  async #stop(graceMs: number): Promise<void> {
    const stopped = this.#following.stop();
    await within(graceMs, Promise.all([stopped, ...this.#inHand]));
  }
}
