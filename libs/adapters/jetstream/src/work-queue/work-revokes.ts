import type { Subscription } from '@nats-io/transport-node';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';
import type { ApiCalls } from './api-calls.ts';
import type { WorkSubjects } from './work-subjects.ts';

/** What is said on `mc.ctl.<class>`: these intents are wanted no more. */
type Revoke = { readonly intentIds: readonly string[] };

/**
 * Takes work back, best effort: the consumers of its class hear of it, and its message is deleted. An intent that the
 * stream does not have is done: nothing is said of it.
 */
export class WorkRevokes {
  readonly #link: NatsLink;
  readonly #subjects: WorkSubjects;
  readonly #calls: ApiCalls;
  readonly #heard: (intentId: string) => void;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(link: NatsLink, subjects: WorkSubjects, calls: ApiCalls, heard: (intentId: string) => void) {
    this.#link = link;
    this.#subjects = subjects;
    this.#calls = calls;
    this.#heard = heard;
  }

  /** Hears revokes of these classes from now on. */
  listen(classes: readonly string[]): void {
    for (const workClass of classes) {
      if (this.#subscriptions.has(workClass)) continue;
      const callback = (error: Error | null, message: { json<T>(): T }): void => {
        if (error === null) for (const id of revokedBy(message)) this.#heard(id);
      };
      this.#subscriptions.set(workClass, this.#link.connection.subscribe(this.#subjects.control(workClass), { callback }));
    }
  }

  async send(intentIds: readonly string[]): Promise<void> {
    await Promise.all(intentIds.map((id) => this.#revoke(id).catch(() => undefined)));
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
  }

  async #revoke(intentId: string): Promise<void> {
    const stream = this.#subjects.workStream;
    try {
      const found = await this.#calls.ask(({ streams }) => streams.getMessage(stream, { last_by_subj: this.#subjects.anyWork(intentId) }));
      const address = found === null ? undefined : this.#subjects.addressOf(found.subject);
      if (found === null || address === undefined) return;
      this.#link.connection.publish(this.#subjects.control(address.workClass), JSON.stringify({ intentIds: [intentId] } satisfies Revoke));
      await this.#calls.ask(({ streams }) => streams.deleteMessage(stream, found.seq, false));
    } catch (error) {
      // it was acknowledged in between
      if (codeOf(error) !== 10_037 && codeOf(error) !== 10_043) throw error;
    }
  }
}

function revokedBy(message: { json<T>(): T }): readonly string[] {
  try {
    const { intentIds } = message.json<Partial<Revoke>>();
    return Array.isArray(intentIds) ? intentIds.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
