import { AckPolicy, DeliverPolicy, RetentionPolicy, StorageType, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Msg } from '@nats-io/transport-node';
import { Fault } from '@maestro/ports';
import type { Consumption, WakeUp, WakeUps } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { idOfToken, subjectToken } from '../connection/subject-token.ts';
import { Pull, mayBeGone } from '../pulls/pull.ts';
import type { PullEnd } from '../pulls/pull.ts';
import { codeOf, isNobodyThere } from '../stream-errors.ts';

const CALL_WITHIN_MS = 2_000;
const DEADLINE_MS = 15_000;
const PAUSE_MS = 250;
const BATCH = 64;
const ASK_EVERY_MS = 5_000;
/** A key that nobody follows any more, because streams are divided otherwise by now, is forgotten by then. */
const AGE_MAX_MS = 30 * 86_400_000;

/**
 * Wake-ups as scheduled messages of MC_DELAY: `mc.delay.at.<lane>.<key>` holds the moment until the server moves it,
 * about 150 ms late and never early, to `mc.delay.due.<lane>.<key>`. On disk: they outlive the server. The stream is for itself, since a
 * stream with schedules may roll up and purge, which none that holds anything else may.
 */
export class JetStreamWakeUps implements WakeUps {
  readonly #link: NatsLink;
  readonly #client: JetStreamClient;
  readonly #stream: string;
  readonly #replicas: number;
  #manager: Promise<JetStreamManager> | undefined;

  private constructor(link: NatsLink, replicas: number) {
    this.#link = link;
    this.#client = jetstream(link.connection, { timeout: CALL_WITHIN_MS });
    this.#stream = link.names.stream('delay');
    this.#replicas = replicas;
  }

  /** Makes the stream where it is missing. Faults: NATS_UNAVAILABLE. */
  static async open(link: NatsLink, o: { readonly replicas?: number } = {}): Promise<JetStreamWakeUps> {
    const wakeUps = new JetStreamWakeUps(link, o.replicas ?? 1);
    await wakeUps.#untilTaken('the stream of wake-ups could not be made', () => wakeUps.#provision());
    return wakeUps;
  }

  async set({ lane, key, dueAt }: WakeUp): Promise<void> {
    const schedule = { specification: new Date(dueAt), target: this.#subject('due', lane, key) };
    await this.#untilTaken(`the wake-up ${key} was not taken`, () => this.#client.publish(this.#subject('at', lane, key), '', { schedule, timeout: CALL_WITHIN_MS }));
  }

  async cancel({ lane, key }: Pick<WakeUp, 'lane' | 'key'>): Promise<void> {
    const { streams } = await this.#api();
    await this.#untilTaken(`the wake-up ${key} was not taken back`, () => streams.purge(this.#stream, { filter: this.#subject('at', lane, key) }));
  }

  follow(lane: string, handler: (key: string) => Promise<void>): Consumption {
    const consumer = `due-${subjectToken(lane)}`;
    const provision = async (): Promise<void> => {
      await this.#provision();
      const { consumers } = await this.#api();
      const filter = this.#link.names.subject('delay', 'due', subjectToken(lane), '*');
      await consumers.add(this.#stream, { durable_name: consumer, filter_subject: filter, deliver_policy: DeliverPolicy.All, ack_policy: AckPolicy.Explicit, ack_wait: nanos(30_000), max_deliver: -1 });
    };
    const following = new Following(this.#link, { stream: this.#stream, consumer }, handler, provision);
    return { stop: (graceMs) => following.stop(graceMs) };
  }

  async #provision(): Promise<void> {
    const { streams } = await this.#api();
    try {
      await streams.add({ name: this.#stream, subjects: [this.#link.names.subject('delay', '>')], storage: StorageType.File, retention: RetentionPolicy.Workqueue, num_replicas: this.#replicas, max_msgs_per_subject: 1, max_age: nanos(AGE_MAX_MS), allow_msg_schedules: true });
    } catch (error) {
      // made before, perhaps with other limits: those are the operator's
      if (codeOf(error) !== 10_058) throw error;
    }
  }

  #subject(when: 'at' | 'due', lane: string, key: string): string {
    return this.#link.names.subject('delay', when, subjectToken(lane), subjectToken(key));
  }

  #api(): Promise<JetStreamManager> {
    this.#manager ??= jetstreamManager(this.#link.connection, { checkAPI: false, timeout: CALL_WITHIN_MS });
    return this.#manager;
  }

  /** Each of these calls may be made twice. */
  async #untilTaken(what: string, call: () => Promise<unknown>): Promise<void> {
    const endMs = Date.now() + DEADLINE_MS;
    for (;;) {
      try {
        return void (await this.#link.watch.race(call()));
      } catch (error) {
        if (this.#link.connection.isClosed() || Date.now() >= endMs) throw new Fault('NATS_UNAVAILABLE', `${what}; try again`, { retryable: true, cause: error });
        if (isNobodyThere(error) || codeOf(error) === 10_059) await this.#provision().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        await this.#link.watch.up(AbortSignal.timeout(Math.max(1, endMs - Date.now())));
      }
    }
  }
}

/** Takes what is due. One request is open at a time; what its handler has not done is handed out again. */
class Following {
  readonly #link: NatsLink;
  readonly #from: { readonly stream: string; readonly consumer: string };
  readonly #handler: (key: string) => Promise<void>;
  readonly #provision: () => Promise<void>;
  readonly #inHand = new Set<Promise<unknown>>();
  #pull: Pull | undefined;
  #stopping: Promise<void> | undefined;

  constructor(link: NatsLink, from: { readonly stream: string; readonly consumer: string }, handler: (key: string) => Promise<void>, provision: () => Promise<void>) {
    this.#link = link;
    this.#from = from;
    this.#handler = handler;
    this.#provision = provision;
    this.#ask();
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  #ask(): void {
    if (this.#stopping !== undefined || this.#link.connection.isClosed()) return;
    this.#pull = new Pull(this.#link, { ...this.#from, batch: BATCH, expiresMs: ASK_EVERY_MS }, (message) => this.#take(message));
    void this.#pull.ended.then((end) => this.#ended(end));
  }

  async #ended(end: PullEnd): Promise<void> {
    if (end === 'disconnected') await this.#link.watch.up(AbortSignal.timeout(ASK_EVERY_MS));
    if (mayBeGone(end) && this.#stopping === undefined) {
      await this.#provision().catch(() => undefined);
      await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
    this.#ask();
  }

  #take(message: Msg): void {
    const key = idOfToken(message.subject.slice(message.subject.lastIndexOf('.') + 1));
    const handled: Promise<unknown> = (key === undefined ? Promise.resolve() : this.#handler(key))
      .then(() => '+ACK', () => `-NAK {"delay": ${PAUSE_MS * 1_000_000}}`)
      .then((answer) => this.#link.connection.isClosed() || message.respond(answer))
      .finally(() => this.#inHand.delete(handled));
    this.#inHand.add(handled);
  }

  async #stop(graceMs: number): Promise<void> {
    await this.#pull?.cancel();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([Promise.all(this.#inHand), new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
    clearTimeout(timer);
    if (this.#link.watch.isUp) await this.#link.connection.flush();
  }
}
