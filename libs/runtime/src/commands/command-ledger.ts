import type { Rejection } from '@maestro/domain';
import type { Clock, CommandEnvelope, ProcessState } from '@maestro/ports';

/** How long a refusal is remembered; afterwards the command may be decided anew. */
const REFUSAL_MS = 7 * 24 * 3_600_000;
const REFUSALS_MAX = 10_000;
const NAME = 'refusals';

export type RefusalRecord = { readonly commandId: string; readonly type: string; readonly at: string; readonly rejection: Rejection };

/**
 * Remembers what was refused, for the question what became of a command. Accepted commands are found in the history.
 * Bounded: the oldest refusals go first. Written behind the answer; a crash may forget the latest.
 */
export class CommandLedger {
  readonly #state: ProcessState;
  readonly #clock: Clock;
  readonly #refusals = new Map<string, RefusalRecord>();
  #writing: Promise<void> = Promise.resolve();
  #unwritten: RefusalRecord[] = [];

  constructor(state: ProcessState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  async load(): Promise<void> {
    const oldest = this.#clock.nowMs() - REFUSAL_MS;
    const expired: string[] = [];
    const records: RefusalRecord[] = [];
    for await (const { key, value } of (await this.#state.load(NAME)).rows) {
      const record = value as unknown as RefusalRecord;
      if (Date.parse(record.at) < oldest) expired.push(key);
      else records.push(record);
    }
    // rows come by key; which is the oldest is told by the order of the map
    records.sort((a, b) => (a.at < b.at ? -1 : 1));
    for (const record of records) this.#refusals.set(record.commandId, record);
    if (expired.length > 0) await this.#state.apply(NAME, null, [], expired);
  }

  refused({ commandId, command }: CommandEnvelope, rejection: Rejection): void {
    const record = { commandId, type: command.type, at: new Date(this.#clock.nowMs()).toISOString(), rejection };
    this.#refusals.delete(commandId);
    this.#refusals.set(commandId, record);
    this.#unwritten.push(record);
    if (this.#unwritten.length === 1) this.#writing = this.#writing.then(() => this.#flush());
  }

  find(commandId: string): RefusalRecord | undefined {
    return this.#refusals.get(commandId);
  }

  /** Waits until what was refused so far is written. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  async #flush(): Promise<void> {
    const records = this.#unwritten;
    this.#unwritten = [];
    const dropped = [...this.#refusals.keys()].slice(0, Math.max(0, this.#refusals.size - REFUSALS_MAX));
    for (const key of dropped) this.#refusals.delete(key);
    const upserts = records.map((record) => ({ key: record.commandId, value: record as never }));
    // the answer was given already: what cannot be written is only forgotten earlier
    await this.#state.apply(NAME, null, upserts, dropped).catch(() => undefined);
  }
}
