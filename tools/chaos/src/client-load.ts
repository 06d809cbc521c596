import { eventHash } from '@maestro/receipt';
import type { Answer, Observation } from './history/claim-checks.ts';
import { jsonOf } from './rest-client.ts';
import type { RestClient } from './rest-client.ts';

/** Between two tries while nobody answers. */
const RETRY_MS = 20;
const TERMINAL = ['execution.completed.v1', 'execution.denied.v1'];

export type LoadOptions = {
  /** runs that are kept open at once, one a client */
  readonly inFlight: number;
  /** names the keys: `<prefix>-<n>` */
  readonly keyPrefix: string;
  /** body of the n-th start, the same every time it is asked for */
  readonly requestOf: (n: number) => object;
};

/**
 * Clients as people write them: start with a key, try again until answered, follow the run to its end, begin anew.
 * C1. A start is sent with the same key and body until it is answered; only a 202 counts.
 * C2. A tail that breaks is taken up behind the last event that was seen; what was seen is remembered.
 * C3. What no later try can mend (a refusal, a run that is gone) ends the load: `finish` throws it.
 */
export class ClientLoad {
  readonly #client: RestClient;
  readonly #options: LoadOptions;
  readonly #answers: Answer[] = [];
  readonly #observed: Observation[] = [];
  readonly #listeners = new Set<() => void>();
  #begun = 0;
  #open = 0;
  #resent = 0;
  #isStopping = false;
  #isAbandoned = false;
  #workers: Promise<void> | undefined;
  #failure: unknown;

  constructor(client: RestClient, options: LoadOptions) {
    this.#client = client;
    this.#options = options;
  }

  get answers(): readonly Answer[] {
    return this.#answers;
  }

  get observed(): readonly Observation[] {
    return this.#observed;
  }

  /** Runs that were acknowledged and not yet seen to end. */
  get openCount(): number {
    return this.#open;
  }

  /** Starts that were sent more than once, because no answer came. */
  get resentCount(): number {
    return this.#resent;
  }

  start(): void {
    const clients = Array.from({ length: this.#options.inFlight }, () => this.#work());
    this.#workers = Promise.all(clients).then(() => undefined, (error: unknown) => {
      this.#failure = error;
      this.#isStopping = true;
      this.#notify();
    });
  }

  /** Resolves once `count` starts are acknowledged; throws what ended the load. */
  async acknowledged(count: number): Promise<void> {
    while (this.#answers.length < count) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  /** No new runs; resolves when every client saw its run end. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await this.#workers;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Gives up at once; for the end of a harness that failed. Whatever still waits is refused. */
  abandon(): void {
    this.#isStopping = true;
    this.#isAbandoned = true;
  }

  /** Sends the start behind an earlier answer again, with the same key and body. */
  async repeat(answer: Answer): Promise<Answer> {
    return this.#begin(answer.key, Number(answer.key.slice(answer.key.lastIndexOf('-') + 1)));
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      const n = this.#begun++;
      const answer = await this.#begin(`${this.#options.keyPrefix}-${n}`, n);
      this.#answers.push(answer);
      this.#open += 1;
      this.#notify();
      await this.#follow(answer.executionId);
      this.#open -= 1;
    }
  }

  async #begin(key: string, n: number): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      if (tries === 1) this.#resent += 1;
      const answer = await this.#client.start(this.#options.requestOf(n), key).catch(() => undefined);
      if (answer?.status === 202) return { key, commandId: answer.commandId, executionId: jsonOf<{ id: string }>(answer).id };
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) jsonOf(answer);
      await this.#pause();
    }
  }

  async #follow(executionId: string): Promise<void> {
    const stream = `execution-${executionId}`;
    for (let from = 0; ; ) {
      try {
        const { status, events } = await this.#client.tail(executionId, from);
        if (status === 204) return;
        if (status === 404) throw new Lost(`run ${executionId} was acknowledged and is gone`);
        for await (const { id, event, data } of events) {
          this.#observed.push({ stream, revision: Number(id), hash: eventHash(Buffer.from(data, 'utf8')) });
          from = Number(id) + 1;
          if (TERMINAL.includes(event)) return;
        }
      } catch (error) {
        if (error instanceof Lost) throw error;
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    if (this.#isAbandoned) throw new Error('the load was abandoned');
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }

  #notify(): void {
    for (const resolve of this.#listeners) resolve();
    this.#listeners.clear();
  }
}

class Lost extends Error {}
