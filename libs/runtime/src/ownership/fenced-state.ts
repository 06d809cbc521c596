import type { ApplyOptions, Cursor, ProcessRow, ProcessState } from '@maestro/ports';
import { isFault } from '@maestro/ports';

/**
 * The process state as one owner of some names sees it: whatever it writes under a cursor is written only where the cursor
 * still stands where this owner left it. `onMoved`: another owner has taken over; what this one remembers is outdated.
 */
export class FencedState implements ProcessState {
  readonly #state: ProcessState;
  readonly #onMoved: (error: unknown) => void;
  readonly #cursors = new Map<string, Cursor | null>();

  constructor(state: ProcessState, onMoved: (error: unknown) => void) {
    this.#state = state;
    this.#onMoved = onMoved;
  }

  async load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }> {
    const loaded = await this.#state.load(name);
    this.#cursors.set(name, loaded.cursor);
    return loaded;
  }

  async apply(name: string, cursor: Cursor | null, upserts: readonly ProcessRow[], deletes: readonly string[], o: ApplyOptions = {}): Promise<void> {
    const expected = this.#cursors.get(name);
    if (cursor === null || expected === undefined) return this.#state.apply(name, cursor, upserts, deletes, o);
    try {
      await this.#state.apply(name, cursor, upserts, deletes, { expected });
      this.#cursors.set(name, cursor);
    } catch (error) {
      if (isFault(error, 'STATE_MOVED')) this.#onMoved(error);
      throw error;
    }
  }

  /** The state itself is its opener's to close. */
  async close(): Promise<void> {}
}
