import { hash } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { Fault, isFault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, CommandGateway, Consumption, Log } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { Pull, mayBeGone } from '../pulls/pull.ts';
import type { PullEnd } from '../pulls/pull.ts';
import { CommandStream, OWNERS } from './command-stream.ts';
import type { CommandStreamSettings } from './command-stream.ts';
import { REPLY_HEADER, answerBytes, envelopeOf } from './command-wire.ts';

export type ServeCommandsOptions = CommandStreamSettings & {
  /** the partition that is served; every process may serve every partition: NATS gives it to one at a time */
  readonly partition: number;
  /** the gateway of this process */
  readonly gateway: CommandGateway;
  readonly log: Log;
};

/** An owner asks this often at least: well within the time after which it would be replaced. */
const ASK_EVERY_MS = 1_000;
const BATCH = 64;
const IN_HAND_MAX = 1_024;
const PAUSE_MS = 250;

/**
 * Serves the commands of one partition: hands them to the gateway of this process, answers, acknowledges.
 * O1. One request is always open, under the pin that the server gave; so as long as this process lives and has room, the
 *     partition stays with it. Who else asks waits, and is let in when this one is silent for 2 s, or stops.
 * O2. That is routing, not correctness: two owners may decide on the same stream at once, and the expected revision lets
 *     one of them append.
 * O3. A command is acknowledged after it was answered. One whose owner died comes again, and so do its sender's tries: the
 *     aggregate knows a command by its id.
 * O4. Tries of a command that is in hand wait for the same answer.
 */
export function serveCommands(link: NatsLink, o: ServeCommandsOptions): Consumption {
  const server = new PartitionServer(link, o);
  return { stop: (graceMs) => server.stop(graceMs) };
}

class PartitionServer {
  readonly #link: NatsLink;
  readonly #o: ServeCommandsOptions;
  readonly #stream: CommandStream;
  readonly #inHand = new Map<string, Promise<CommandAnswer | Fault>>();
  readonly #handling = new Set<Promise<void>>();
  #pull: Pull | undefined;
  #pinId: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(link: NatsLink, o: ServeCommandsOptions) {
    this.#link = link;
    this.#o = o;
    this.#stream = new CommandStream(link, o);
    void this.#provision().then(() => this.#ask());
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  #ask(): void {
    const room = IN_HAND_MAX - this.#handling.size;
    if (this.#stopping !== undefined || this.#pull !== undefined || room <= 0 || this.#link.connection.isClosed()) return;
    const consumer = this.#stream.consumer(this.#o.partition);
    const request = { stream: this.#stream.name, consumer, batch: Math.min(BATCH, room), expiresMs: ASK_EVERY_MS, group: OWNERS, pinId: this.#pinId };
    const pull = new Pull(this.#link, request, (message) => this.#take(message));
    this.#pull = pull;
    void pull.ended.then((end) => this.#ended(end));
  }

  async #ended(end: PullEnd): Promise<void> {
    if (end === 'unpinned') this.#pinId = undefined;
    if (end === 'disconnected') {
      this.#pinId = undefined;
      await this.#link.watch.up(AbortSignal.timeout(ASK_EVERY_MS));
    }
    if (mayBeGone(end) && this.#stopping === undefined) await this.#provision();
    this.#pull = undefined;
    this.#ask();
  }

  /** Until it is there, or somebody stops this. */
  async #provision(): Promise<void> {
    while (this.#stopping === undefined && !this.#link.connection.isClosed()) {
      try {
        this.#pinId = undefined;
        return await this.#link.watch.race(this.#stream.provision(this.#o.partition));
      } catch (error) {
        this.#o.log.log('warn', 'the command stream could not be made; it is tried again', { error });
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        await this.#link.watch.up(AbortSignal.timeout(ASK_EVERY_MS));
      }
    }
  }

  #take(message: Msg): void {
    const pinId = message.headers?.get('Nats-Pin-Id') ?? '';
    if (pinId !== '') this.#pinId = pinId;
    const handling = this.#handle(message)
      .catch((error: unknown) => this.#o.log.log('error', 'a command could not be answered', { error }))
      .finally(() => {
        this.#handling.delete(handling);
        this.#ask();
      });
    this.#handling.add(handling);
  }

  async #handle(message: Msg): Promise<void> {
    const envelope = envelopeOf(message.subject, message.data, message.headers);
    const isCommand = 'command' in envelope;
    const answer = isCommand ? await this.#decided(envelope, message.data) : ({ kind: 'refused', rejection: envelope } as const);
    const commandId = isCommand ? envelope.commandId : (message.headers?.get('commandId') ?? '');
    if (this.#link.connection.isClosed()) return;
    const replyTo = message.headers?.get(REPLY_HEADER) ?? '';
    if (isInbox(replyTo)) this.#link.connection.publish(replyTo, answerBytes(commandId, answer));
    message.respond('+ACK');
  }

  #decided(envelope: CommandEnvelope, data: Uint8Array): Promise<CommandAnswer | Fault> {
    const key = `${envelope.commandId} ${envelope.actor} ${envelope.workToken} ${hash('sha256', data)}`;
    const known = this.#inHand.get(key);
    if (known !== undefined) return known;
    const decided = this.#decide(envelope).finally(() => this.#inHand.delete(key));
    this.#inHand.set(key, decided);
    return decided;
  }

  /** A fault is an answer: its sender knows whether to send again. */
  async #decide(envelope: CommandEnvelope): Promise<CommandAnswer | Fault> {
    try {
      return await this.#o.gateway.send(envelope);
    } catch (error) {
      if (isFault(error)) return error;
      this.#o.log.log('error', 'a command met a bug', { type: envelope.command.type, commandId: envelope.commandId, error });
      return new Fault('COMMAND_UNANSWERED', 'its owner met a bug', { retryable: true });
    }
  }

  async #stop(graceMs: number): Promise<void> {
    await this.#pull?.cancel();
    const handled = Promise.all(this.#handling);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([handled, new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
    clearTimeout(timer);
    // else the next owner would wait until the pin runs out
    if (this.#pinId !== undefined && this.#link.watch.isUp) await this.#link.watch.race(this.#stream.unpin(this.#o.partition)).catch(() => undefined);
  }
}

/** Any other subject would let a sender publish there with the rights of this role. */
function isInbox(subject: string): boolean {
  return /^_INBOX(?:_[A-Za-z0-9_-]+)?(?:\.[A-Za-z0-9_-]+)+$/.test(subject);
}
