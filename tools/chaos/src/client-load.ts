import type { Answer, Observation } from './history/claim-checks.ts';
import { PersistentClient, nothingSeen } from './persistent-client.ts';
import type { Acknowledged, RestCalls, Seen, Stall } from './persistent-client.ts';

export type LoadOptions = {
  /** clients at work at once */
  readonly inFlight: number;
  /** what the n-th piece of work does, from its first command to the end of its runs; `key` is its own */
  readonly work: (client: PersistentClient, n: number, key: string) => Promise<void>;
  /** longest pause of a client between two tries; default: that of few clients */
  readonly retryMaxMs?: number;
  /** names the keys: `<prefix>-<n>` */
  readonly keyPrefix: string;
};

/** Clients that do one piece of work after the other until they are told to finish. What one cannot mend ends them all: `finish` throws it. */
export class ClientLoad {
  readonly #client: PersistentClient;
  readonly #options: LoadOptions;
  readonly #seen: Seen = nothingSeen();
  readonly #listeners = new Set<() => void>();
  #begun = 0;
  #isStopping = false;
  #isAbandoned = false;
  #workers: Promise<void> | undefined;
  #failure: unknown;

  constructor(client: RestCalls, options: LoadOptions) {
    this.#options = options;
    this.#client = new PersistentClient(client, this.#seen, { isAbandoned: () => this.#isAbandoned, onAcknowledged: () => this.#notify(), retryMaxMs: options.retryMaxMs });
  }

  /** Every command that was acknowledged, in the order of the answers. */
  get acknowledgedCommands(): readonly Acknowledged[] {
    return this.#seen.acknowledged;
  }

  /** Those of them that made a run. */
  get answers(): readonly Acknowledged[] {
    return this.#seen.acknowledged.filter(({ executionId }) => executionId !== '');
  }

  get observed(): readonly Observation[] {
    return this.#seen.observed;
  }

  /** By execution id: how each run ended, as its client saw it. */
  get verdicts(): ReadonlyMap<string, string> {
    return this.#seen.verdicts;
  }

  /** Runs that were acknowledged and not yet seen to end. */
  get openCount(): number {
    return this.answers.length - this.#seen.verdicts.size;
  }

  /** Commands that were sent more than once, because no answer came. */
  get resentCount(): number {
    return this.#seen.resentCount;
  }

  /** The command that took longest from sending it first to its answer. */
  get stall(): Stall {
    return this.#seen.stall;
  }

  /** The same, and forgets it: the next one is of what comes. */
  takeStall(): Stall {
    const { stall } = this.#seen;
    this.#seen.stall = nothingSeen().stall;
    return stall;
  }

  start(): void {
    const clients = Array.from({ length: this.#options.inFlight }, () => this.#work());
    this.#workers = Promise.all(clients).then(() => undefined, (error: unknown) => {
      this.#failure = error;
      this.#isStopping = true;
      this.#notify();
    });
  }

  /** Resolves once `count` commands are acknowledged; throws what ended the load. */
  async acknowledged(count: number): Promise<void> {
    while (this.#seen.acknowledged.length < count) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  /** No new work; resolves when what was begun has ended. */
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

  /** Sends an acknowledged command again, with the same key and body. */
  repeat(one: Acknowledged): Promise<Acknowledged> {
    return this.#client.repeat(one);
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      const n = this.#begun++;
      await this.#options.work(this.#client, n, `${this.#options.keyPrefix}-${n}`);
    }
  }

  #notify(): void {
    for (const resolve of this.#listeners) resolve();
    this.#listeners.clear();
  }
}

/** The part of an acknowledgement that a history is held against. */
export function answerOf({ key, commandId, executionId }: Acknowledged): Answer {
  return { key, commandId, executionId };
}
