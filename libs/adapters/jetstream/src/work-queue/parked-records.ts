import { jetstream } from '@nats-io/jetstream';
import type { JetStreamClient, StoredMsg } from '@nats-io/jetstream';
import type { ParkedWork } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { codeOf } from '../stream-errors.ts';
import type { ApiCalls } from './api-calls.ts';
import type { WorkSubjects } from './work-subjects.ts';

const PAGE = 1_000;

/**
 * Work that was rejected, by name: one message per intent in MC_PARKED, which any process may read. To let an intent be
 * tried again, delete its message there (`nats stream purge MC_PARKED --subject mc.parked.<intent>`): the next refill
 * publishes it.
 * R1. `#known` is a copy up to `#sequence`; whether an intent of the copy is still parked is asked of the stream.
 */
export class ParkedRecords {
  readonly #link: NatsLink;
  readonly #subjects: WorkSubjects;
  readonly #calls: ApiCalls;
  readonly #client: JetStreamClient;
  readonly #known = new Map<string, ParkedWork>();
  #sequence = 0;

  constructor(link: NatsLink, subjects: WorkSubjects, calls: ApiCalls) {
    this.#link = link;
    this.#subjects = subjects;
    this.#calls = calls;
    this.#client = jetstream(link.connection, { timeout: 5_000 });
  }

  /** Durable when it answers. Throws where the server cannot take it now. */
  async park(record: ParkedWork): Promise<void> {
    await this.#link.watch.race(this.#client.publish(this.#subjects.parked(record.intentId), JSON.stringify(record)));
    this.#known.set(record.intentId, record);
  }

  /** Whether it is parked, as far as was read; one that is parked no more is forgotten. */
  async has(intentId: string): Promise<boolean> {
    if (!this.#known.has(intentId)) return false;
    if (await this.#isStored(intentId)) return true;
    this.#known.delete(intentId);
    return false;
  }

  /** All that are parked now, the oldest first. */
  async list(): Promise<readonly ParkedWork[]> {
    this.#known.clear();
    this.#sequence = 0;
    await this.refresh();
    return [...this.#known.values()];
  }

  /** Reads what was parked since the last call. */
  async refresh(): Promise<void> {
    for (;;) {
      const page = await this.#after(this.#sequence);
      for (const { seq, data } of page) {
        this.#sequence = seq;
        const record = JSON.parse(Buffer.from(data).toString()) as ParkedWork;
        this.#known.set(record.intentId, record);
      }
      if (page.length < PAGE) return;
    }
  }

  #after(sequence: number): Promise<readonly StoredMsg[]> {
    // the callback form: the iterator form keeps its subscription for ever
    return this.#calls.ask(({ direct }) => new Promise((resolve, reject) => {
      const page: StoredMsg[] = [];
      const callback = (done: { err?: Error } | null, message: StoredMsg): void => {
        if (done === null) page.push(message);
        else if (done.err === undefined || /not found|no results/i.test(done.err.message)) resolve(page);
        else reject(done.err);
      };
      direct.getBatch(this.#subjects.parkedStream, { seq: sequence + 1, batch: PAGE, callback }).catch(reject);
    }));
  }

  async #isStored(intentId: string): Promise<boolean> {
    try {
      return (await this.#calls.ask(({ streams }) => streams.getMessage(this.#subjects.parkedStream, { last_by_subj: this.#subjects.parked(intentId) }))) !== null;
    } catch (error) {
      if (codeOf(error) === 10_037) return false;
      throw error;
    }
  }
}
