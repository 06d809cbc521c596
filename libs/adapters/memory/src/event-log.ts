import { randomUUID } from 'node:crypto';
import type { StreamName } from '@maestro/domain';
import { Fault, type Cursor, type StoredEvent, type Version } from '@maestro/ports';

/**
 * What a memory store would have on disk. It outlives the stores opened on it, so that a test can end one and open
 * the next on the same data. Position n is `events[n - 1]`.
 */
export class MemoryEventLog {
  readonly events: StoredEvent[] = [];
  readonly streams = new Map<StreamName, StoredEvent[]>();
  readonly #incarnation: string;

  constructor(incarnation: string = randomUUID()) {
    this.#incarnation = incarnation;
  }

  cursorAt(position: number): Cursor {
    return `${this.#incarnation}.${position}`;
  }

  /** 0 for null; CURSOR_INVALID for another store's cursor or one past the end. */
  positionOf(cursor: Cursor | null): number {
    if (cursor === null) return 0;
    const digits = cursor.startsWith(`${this.#incarnation}.`) ? cursor.slice(this.#incarnation.length + 1) : '';
    const position = /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : NaN;
    if (!(position <= this.events.length)) {
      throw new Fault(
        'CURSOR_INVALID',
        `"${cursor}" is no place in this store; start from a checkpoint of this store, or from null`,
      );
    }
    return position;
  }
}

/** Version after the event with this revision. */
export const versionAt = (revision: number): Version => ({ revision: BigInt(revision), token: String(revision) });
