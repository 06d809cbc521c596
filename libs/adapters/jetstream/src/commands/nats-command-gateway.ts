import { jetstream } from '@nats-io/jetstream';
import type { JetStreamClient } from '@nats-io/jetstream';
import { createInbox, nuid } from '@nats-io/transport-node';
import type { Subscription } from '@nats-io/transport-node';
import { Fault, isFault, partitionOf } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, CommandGateway } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { isDenied, isNobodyThere } from '../stream-errors.ts';
import { answerOf, headersOf, verbOf } from './command-wire.ts';

export type NatsCommandGatewayOptions = {
  /** the same number as the owners' */
  readonly partitions: number;
  /** name of the stream that a command is decided on */
  readonly streamOf: (envelope: CommandEnvelope) => string;
  /** without an answer it is sent again after this; later ever more rarely; default 1,000 */
  readonly resendAfterMs?: number;
  /** covers a takeover and the loss of a leader; 15,000 or more, default 20,000 */
  readonly deadlineMs?: number;
};

type Waiting = { readonly answered: (answer: CommandAnswer | Fault) => void };

const RESEND_AFTER_MS = 1_000;
const RESEND_AFTER_MAX_MS = 3_000;
const DEADLINE_MS = 20_000;
const PUBLISH_WITHIN_MS = 2_000;
/** Where nobody takes a publish: the stream is being made, or elects a leader. */
const NOBODY_PAUSE_MS = 200;
/** Room for subject, headers and protocol within the server's largest payload. */
const FRAME_BYTES = 4_096;

/**
 * Sends commands to the owner of their partition, over MC_CMD.
 * S1. The answer comes to an inbox that the message names; the broker's acknowledgement says only that it is on its way.
 * S2. Without an answer the command is sent again under another message id: the broker would swallow one that it knows.
 *     The owner decides it once, by its command id, however many tries arrive.
 * S3. A lost connection ends no wait: as soon as it is back the command is sent again.
 */
export class NatsCommandGateway implements CommandGateway {
  readonly #link: NatsLink;
  readonly #o: NatsCommandGatewayOptions;
  readonly #client: JetStreamClient;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #waiting = new Map<string, Waiting>();

  constructor(link: NatsLink, o: NatsCommandGatewayOptions) {
    this.#link = link;
    this.#o = o;
    this.#client = jetstream(link.connection, { timeout: PUBLISH_WITHIN_MS });
    this.#inbox = createInbox(link.inboxPrefix);
    this.#subscription = link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, { subject, data }) => {
        if (error === null) this.#waiting.get(subject.slice(subject.lastIndexOf('.') + 1))?.answered(answerOf(data));
      },
    });
  }

  /** Faults: those of the owner's store; COMMAND_UNANSWERED (send it again: it may have taken effect), COMMAND_TOO_LARGE, NATS_DENIED. */
  async send(envelope: CommandEnvelope): Promise<CommandAnswer> {
    const data = Buffer.from(JSON.stringify(envelope.command));
    const bytesMax = (this.#link.connection.info?.max_payload ?? 1_048_576) - FRAME_BYTES;
    if (data.length > bytesMax) throw new Fault('COMMAND_TOO_LARGE', `${envelope.command.type} is ${data.length} bytes; over NATS at most ${bytesMax} (max_payload of the server)`);
    const token = nuid.next();
    const answer = await new Promise<CommandAnswer | Fault>((resolve) => {
      this.#waiting.set(token, { answered: resolve });
      void this.#sendUntilAnswered(envelope, data, token).then(resolve);
    });
    this.#waiting.delete(token);
    if (isFault(answer)) throw answer;
    return answer as CommandAnswer;
  }

  /** Idempotent. Who still waits is told that its command was not answered. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const { answered } of this.#waiting.values()) answered(unanswered('the gateway was closed'));
    this.#waiting.clear();
  }

  /** Tries until somebody else ends the wait; answers the fault where nobody did in time. */
  async #sendUntilAnswered(envelope: CommandEnvelope, data: Uint8Array, token: string): Promise<Fault> {
    const { resendAfterMs = RESEND_AFTER_MS, deadlineMs = DEADLINE_MS } = this.#o;
    const endMs = Date.now() + deadlineMs;
    let waitMs = resendAfterMs;
    for (let tries = 1; this.#waiting.has(token) && Date.now() < endMs; tries += 1) {
      const isTaken = await this.#publish(envelope, data, token, tries);
      await this.#pause(token, Math.min(isTaken ? waitMs : NOBODY_PAUSE_MS, endMs - Date.now()));
      if (isTaken) waitMs = Math.min(RESEND_AFTER_MAX_MS, waitMs * 1.5);
      await this.#link.watch.up(AbortSignal.timeout(Math.max(1, endMs - Date.now())));
    }
    return unanswered(`nobody answered in ${deadlineMs} ms`);
  }

  async #publish(envelope: CommandEnvelope, data: Uint8Array, token: string, tries: number): Promise<boolean> {
    const partition = partitionOf(this.#o.streamOf(envelope), this.#o.partitions);
    const subject = this.#link.names.subject('cmd', String(partition), ...verbOf(envelope.command));
    try {
      const sent = this.#client.publish(subject, data, { msgID: `${envelope.commandId}.${token}-${tries}`, headers: headersOf(envelope, `${this.#inbox}.${token}`), timeout: PUBLISH_WITHIN_MS });
      await this.#link.watch.race(sent);
      return true;
    } catch (error) {
      if (isDenied(error)) this.#waiting.get(token)?.answered(new Fault('NATS_DENIED', `this user may not send ${envelope.command.type}: compare its permissions with infra/nats`, { cause: error }));
      return !isNobodyThere(error) && this.#link.watch.isUp;
    }
  }

  /** Waits, but no longer than for the answer, and not while the connection is lost. */
  async #pause(token: string, ms: number): Promise<void> {
    if (ms <= 0 || !this.#waiting.has(token)) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await this.#link.watch.race(over).catch(() => undefined);
    clearTimeout(timer);
  }
}

function unanswered(why: string): Fault {
  return new Fault('COMMAND_UNANSWERED', `${why}; it may have taken effect: send the same command again`, { retryable: true });
}
