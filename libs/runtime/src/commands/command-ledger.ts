import type { Json, Rejection, RejectionCode } from '@maestro/domain';
import type { Clock, CommandAnswer, CommandEnvelope, ProcessState } from '@maestro/ports';
import { canonicalText, findUnrepresentable, sha256 } from '@maestro/receipt';
import { LRUCache } from 'lru-cache';
import { reusedId } from './answers.ts';
import { subjectOfCommand } from './command-subject.ts';

/** How long a refusal is remembered; afterwards the command may be decided anew. */
const REFUSAL_MS = 7 * 24 * 3_600_000;
const REFUSALS_MAX = 10_000;
/** Accepted commands whose target is known here without reading, so that their id is not used for another stream. */
const ACCEPTED_MAX = 10_000;
const NAME = 'refusals';

/** `digest`: of the command, salted with its id; null: it has none. Rows of earlier releases have neither it nor an actor. */
export type RefusalRecord = {
  readonly commandId: string;
  readonly type: string;
  readonly at: string;
  readonly rejection: Rejection;
  readonly actor?: string;
  /** the stream that it was about */
  readonly stream?: string;
  readonly digest?: string | null;
};

/** Nothing was decided, or something else will be in a moment: the same command may be sent again. */
const UNDECIDED: ReadonlySet<RejectionCode> = new Set(['BUG', 'CONFLICT_RETRIES_EXHAUSTED', 'COMMAND_INVALID', 'COMMAND_ID_REUSED', 'FORBIDDEN', 'PUBLISH_PENDING', 'EXECUTION_RUNNING']);

/**
 * Remembers what clients were refused, and what was forbidden to anybody. Accepted commands are found in the history.
 * L1. A refusal is the answer to its command for 7 days; the id is not used for another command in that time.
 * L2. Bounded: the oldest refusals go first. Written behind the answer; a crash may forget the latest.
 * L3. An id that was accepted is never answered with a refusal of another command under the same id.
 */
export class CommandLedger {
  readonly #state: ProcessState;
  readonly #clock: Clock;
  readonly #refusals = new Map<string, RefusalRecord>();
  readonly #accepted = new LRUCache<string, string>({ max: ACCEPTED_MAX });
  #writing: Promise<void> = Promise.resolve();
  #unwritten: RefusalRecord[] = [];

  constructor(state: ProcessState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  async load(): Promise<void> {
    const expired: string[] = [];
    const records: RefusalRecord[] = [];
    for await (const { key, value } of (await this.#state.load(NAME)).rows) {
      const record = value as unknown as RefusalRecord;
      if (this.#isExpired(record)) expired.push(key);
      else records.push(record);
    }
    // rows come by key; which is the oldest is told by the order of the map
    records.sort((a, b) => (a.at < b.at ? -1 : 1));
    for (const record of records) this.#refusals.set(record.commandId, record);
    if (expired.length > 0) await this.#state.apply(NAME, null, [], expired);
  }

  /** What a client's command was answered before, or that its id belongs to another one; undefined: handle it. */
  answered(envelope: CommandEnvelope): CommandAnswer | undefined {
    const target = this.#accepted.get(envelope.commandId);
    if (target !== undefined) return target === targetOf(envelope) ? undefined : reusedId(envelope);
    const refusal = this.find(envelope.commandId);
    if (refusal?.digest === undefined || refusal.digest === null || UNDECIDED.has(refusal.rejection.code)) return undefined;
    return refusal.digest === digestOf(envelope) ? { kind: 'refused', rejection: refusal.rejection } : reusedId(envelope);
  }

  accepted(envelope: CommandEnvelope): void {
    this.#accepted.set(envelope.commandId, targetOf(envelope));
  }

  refused(envelope: CommandEnvelope, rejection: Rejection): void {
    const { commandId, command, actor } = envelope;
    // what the id stands for is the command that came first
    if (rejection.code === 'COMMAND_ID_REUSED' && (this.#accepted.has(commandId) || this.#refusals.has(commandId))) return;
    const record = { commandId, type: command.type, at: new Date(this.#clock.nowMs()).toISOString(), rejection, actor, stream: subjectOfCommand(envelope).stream, digest: digestOf(envelope) };
    this.#refusals.delete(commandId);
    this.#refusals.set(commandId, record);
    this.#unwritten.push(record);
    if (this.#unwritten.length === 1) this.#writing = this.#writing.then(() => this.#flush());
  }

  find(commandId: string): RefusalRecord | undefined {
    const found = this.#refusals.get(commandId);
    return found === undefined || this.#isExpired(found) ? undefined : found;
  }

  /** What was forbidden in the last 7 days, the latest first: it has no event, so the audit finds it here. */
  forbidden(): readonly RefusalRecord[] {
    return [...this.#refusals.values()].filter((record) => record.rejection.code === 'FORBIDDEN' && !this.#isExpired(record)).reverse();
  }

  /** Waits until what was refused so far is written. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  #isExpired({ at }: RefusalRecord): boolean {
    return Date.parse(at) < this.#clock.nowMs() - REFUSAL_MS;
  }

  async #flush(): Promise<void> {
    const records = this.#unwritten;
    this.#unwritten = [];
    const dropped: string[] = [];
    for (const [key, record] of this.#refusals) {
      if (this.#refusals.size - dropped.length <= REFUSALS_MAX && !this.#isExpired(record)) break;
      dropped.push(key);
    }
    for (const key of dropped) this.#refusals.delete(key);
    const upserts = records.map((record) => ({ key: record.commandId, value: record as never }));
    // the answer was given already: what cannot be written is only forgotten earlier
    await this.#state.apply(NAME, null, upserts, dropped).catch(() => undefined);
  }
}

function targetOf(envelope: CommandEnvelope): string {
  return `${envelope.command.type} ${subjectOfCommand(envelope).stream}`;
}

/** Tells the same command from another one. Inputs that canonical JSON cannot carry are refused commands, too. */
function digestOf({ commandId, command }: CommandEnvelope): string | null {
  try {
    const value = command as unknown as Json;
    return sha256(`${commandId} ${findUnrepresentable(value) === undefined ? canonicalText(value) : JSON.stringify(value)}`);
  } catch {
    // nested too deep to be written down: such a command is decided anew
    return null;
  }
}
