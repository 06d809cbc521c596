import { intentsOf } from '@maestro/domain';
import type { Intent, Json, Recorded } from '@maestro/domain';
import type { Cursor, ProcessState } from '@maestro/ports';

const NAME = 'intents';
/** Rows are written this long after they changed at most; until then they can be folded again. */
const WRITE_EVENTS_MAX = 1_000;

/**
 * What is open: every intent and timer that no event has closed.
 * B1. The cursor says what was folded; an intent is open until an event closes it, whether published or not.
 * B2. Rows and cursor are written in one transaction. What opened and closed in between is never written.
 * B3. One write at a time. One that fails leaves its changes to the next: a cursor never passes what it does not show.
 */
export class IntentBook {
  readonly #state: ProcessState;
  readonly #open = new Map<string, Map<string, Intent>>();
  readonly #changed = new Map<string, Intent | undefined>();
  readonly #written = new Set<string>();
  #foldedSinceWrite = 0;
  #cursor: Cursor | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(state: ProcessState) {
    this.#state = state;
  }

  /** Reads what was open at the last write; answers the cursor to fold on from. */
  async load(): Promise<Cursor | null> {
    const { cursor, rows } = await this.#state.load(NAME);
    for await (const { key, value } of rows) {
      const intent = value as unknown as Intent;
      this.#streamOf(intent.stream).set(key, intent);
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
    const ofStream = this.#streamOf(recorded.stream);
    const closed = closes.flatMap((close) => (close.endsWith('/') ? [...ofStream.values()].filter(({ key }) => key.startsWith(close)) : (ofStream.get(close) ?? [])));
    for (const { key } of closed) {
      ofStream.delete(key);
      this.#changed.set(key, undefined);
    }
    for (const intent of opens) {
      ofStream.set(intent.key, intent);
      this.#changed.set(intent.key, intent);
    }
    if (ofStream.size === 0) this.#open.delete(recorded.stream);
    return { opened: opens, closed };
  }

  has({ stream, key, eventId }: Intent): boolean {
    return this.#open.get(stream)?.get(key)?.eventId === eventId;
  }

  ofStream(stream: string): Iterable<Intent> {
    return this.#open.get(stream)?.values() ?? [];
  }

  *all(): Iterable<Intent> {
    for (const ofStream of this.#open.values()) yield* ofStream.values();
  }

  get openCount(): number {
    let count = 0;
    for (const ofStream of this.#open.values()) count += ofStream.size;
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
      await this.#state.apply(NAME, cursor, upserts, deletes);
    } catch (error) {
      for (const [key, intent] of changes) if (!this.#changed.has(key)) this.#changed.set(key, intent);
      this.#foldedSinceWrite += foldedCount;
      throw error;
    }
    for (const key of deletes) if (!this.#changed.has(key)) this.#written.delete(key);
    this.#cursor = cursor;
  }

  #streamOf(stream: string): Map<string, Intent> {
    const known = this.#open.get(stream);
    if (known !== undefined) return known;
    const made = new Map<string, Intent>();
    this.#open.set(stream, made);
    return made;
  }
}
