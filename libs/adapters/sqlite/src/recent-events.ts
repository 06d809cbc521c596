import type { StoredEvent } from '@maestro/ports';

/**
 * The newest events, the same object for every reader, so that what a reader derives from one can be kept by object.
 * Bounded by count and bytes; the oldest half goes when either is passed.
 */
export class RecentEvents {
  readonly #countMax: number;
  readonly #bytesMax: number;
  #events: StoredEvent[] = [];
  #bytes = 0;
  /** position of the first one kept; one more than the store's head when none is */
  #first: number;

  constructor(head: number, o: { readonly countMax: number; readonly bytesMax: number }) {
    this.#first = head + 1;
    this.#countMax = o.countMax;
    this.#bytesMax = o.bytesMax;
  }

  get first(): number {
    return this.#first;
  }

  /** Position of the last one, kept or not. */
  get head(): number {
    return this.#first + this.#events.length - 1;
  }

  push(event: StoredEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    while (this.#events.length > this.#countMax || (this.#bytes > this.#bytesMax && this.#events.length > 1)) {
      const dropped = this.#events.splice(0, Math.ceil(this.#events.length / 2));
      this.#first += dropped.length;
      for (const e of dropped) this.#bytes -= sizeOf(e);
    }
  }

  /** Up to `limit` events after a position; undefined: they are not all kept, read them from disk. */
  after(position: number, limit: number): readonly StoredEvent[] | undefined {
    if (position + 1 < this.#first) return undefined;
    const from = position + 1 - this.#first;
    return this.#events.slice(from, from + limit);
  }
}

/** Bytes that an event holds, roughly: texts and object count as 300. */
const sizeOf = (e: StoredEvent): number => e.bytes.length + (e.sealed?.length ?? 0) + 300;
