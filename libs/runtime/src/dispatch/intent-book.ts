import { intentsOf } from '@maestro/domain';
import type { Intent, Json, Recorded } from '@maestro/domain';
import type { Cursor, ProcessState } from '@maestro/ports';
import { isClosedBy, subjectOf } from './intent-subject.ts';

/** Rows are written this long after they changed at most; until then they can be folded again. */
const WRITE_EVENTS_MAX = 1_000;

/**
 * What is open: every intent and timer that no event has closed.
 * B1. The cursor says what was folded; an intent is open until an event closes it, whether published or not.
 * B2. Rows and cursor are written in one transaction. What opened and closed in between is never written.
 * B3. Folding an event costs the same however many intents its stream has open: what it closes is found by subject.
 * B4. An event closes only what was opened before it. So one that is folded again, as after a fault or by the next owner, closes
 *     nothing that it or a later one has opened.
 * B5. One write at a time. One that fails leaves its changes to the next: a cursor never passes what it does not show.
 */
export class IntentBook {
  readonly #state: ProcessState;
  readonly #name: string;
  /** stream → subject → key → intent */
  readonly #open = new Map<string, Map<string, Map<string, Intent>>>();
  readonly #changed = new Map<string, Intent | undefined>();
  readonly #written = new Set<string>();
  #openCount = 0;
  #foldedSinceWrite = 0;
  #cursor: Cursor | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** `name`: of its rows in the process state */
  constructor(state: ProcessState, name = 'intents') {
    this.#state = state;
    this.#name = name;
  }

  /** Reads what was open at the last write; answers the cursor to fold on from. */
  async load(): Promise<Cursor | null> {
    const { cursor, rows } = await this.#state.load(this.#name);
    for await (const { key, value } of rows) {
      const intent = value as unknown as Intent;
      this.#put(intent);
      this.#written.add(key);
    }
    this.#cursor = cursor;
    return cursor;
  }

  /** Folds one event; answers what it opened and what it closed. */
  fold(recorded: Recorded): { readonly opened: readonly Intent[]; readonly closed: readonly Intent[] } {
    this.#foldedSinceWrite += 1;
    const { opens, closes } = intentsOf(recorded);
    if (opens.length === 0 && closes.length === 0) return { opened: [], closed: [] };
    const closed = closes.flatMap((close) => this.#take(recorded, close));
    for (const { key } of closed) this.#changed.set(key, undefined);
    for (const intent of opens) {
      this.#put(intent);
      this.#changed.set(intent.key, intent);
    }
    return { opened: opens, closed };
  }

  has({ stream, key, eventId }: Intent): boolean {
    return this.#open.get(stream)?.get(subjectOf(stream, key))?.get(key)?.eventId === eventId;
  }

  *ofStream(stream: string): Iterable<Intent> {
    for (const ofSubject of this.#open.get(stream)?.values() ?? []) yield* ofSubject.values();
  }

  *all(): Iterable<Intent> {
    for (const stream of this.#open.keys()) yield* this.ofStream(stream);
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** A run has its limit open from its request until its verdict. */
  get openRunCount(): number {
    let count = 0;
    for (const stream of this.#open.keys()) if (stream.startsWith('execution-')) count += 1;
    return count;
  }

  /** Whether so much was folded since the last write that it should be written now. */
  get isDue(): boolean {
    return this.#foldedSinceWrite >= WRITE_EVENTS_MAX;
  }

  /** Everything folded so far, up to this cursor. Faults of the process state pass through. */
  write(cursor: Cursor): Promise<void> {
    const mine = this.#writing.then(() => this.#writeChanges(cursor));
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  async #writeChanges(cursor: Cursor): Promise<void> {
    if (cursor === this.#cursor) return;
    const changes = new Map(this.#changed);
    const foldedCount = this.#foldedSinceWrite;
    this.#changed.clear();
    this.#foldedSinceWrite = 0;
    const upserts: { key: string; value: Json }[] = [];
    const deletes: string[] = [];
    for (const [key, intent] of changes) {
      if (intent !== undefined) upserts.push({ key, value: intent as unknown as Json });
      else if (this.#written.has(key)) deletes.push(key);
    }
    // known as written before it is: an outcome that stays unknown may have written it
    for (const { key } of upserts) this.#written.add(key);
    try {
      await this.#state.apply(this.#name, cursor, upserts, deletes);
    } catch (error) {
      for (const [key, intent] of changes) if (!this.#changed.has(key)) this.#changed.set(key, intent);
      this.#foldedSinceWrite += foldedCount;
      throw error;
    }
    for (const key of deletes) if (!this.#changed.has(key)) this.#written.delete(key);
    this.#cursor = cursor;
  }

  #put(intent: Intent): void {
    const { stream, key } = intent;
    const ofStream = getOrMake(this.#open, stream);
    const ofSubject = getOrMake(ofStream, subjectOf(stream, key));
    if (!ofSubject.has(key)) this.#openCount += 1;
    ofSubject.set(key, intent);
  }

  /** Takes out, and answers, what one close of an event names. */
  #take({ stream, revision }: Recorded, close: string): readonly Intent[] {
    const ofStream = this.#open.get(stream);
    const subject = subjectOf(stream, close);
    if (ofStream === undefined) return [];
    const candidates = subject === '' ? [...this.ofStream(stream)] : [...(ofStream.get(subject)?.values() ?? [])];
    const taken = candidates.filter((intent) => intent.revision < revision && isClosedBy(close, intent.key));
    this.#openCount -= taken.length;
    for (const { key } of taken) {
      const subjectOfKey = subjectOf(stream, key);
      const ofSubject = ofStream.get(subjectOfKey);
      ofSubject?.delete(key);
      if (ofSubject?.size === 0) ofStream.delete(subjectOfKey);
    }
    if (ofStream.size === 0) this.#open.delete(stream);
    return taken;
  }
}

function getOrMake<V>(of: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const known = of.get(key);
  if (known !== undefined) return known;
  const made = new Map<string, V>();
  of.set(key, made);
  return made;
}
