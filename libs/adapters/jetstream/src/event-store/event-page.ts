import { Fault, type StoredEvent } from '@maestro/ports';
import type { OpenedCommit } from './commit-envelope.ts';
import type { Cursors } from './commit-place.ts';
import { eventAt } from './stored-commit.ts';

/** One proved commit of a stream. */
export type Link = { readonly seq: number; readonly opened: OpenedCommit };

export const lastRevision = ({ opened }: Link): number => opened.firstRevision + opened.events.length - 1;

/** A page stops after so many bytes, so that none is larger than this and one event. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** Collects the events of one page. */
export class EventPage {
  readonly events: StoredEvent[] = [];
  readonly #limit: number;
  readonly #cursors: Cursors;
  #bytes = 0;

  constructor(limit: number, cursors: Cursors) {
    this.#limit = limit;
    this.#cursors = cursors;
  }

  get room(): number {
    return this.#bytes >= PAGE_BYTES_MAX ? 0 : this.#limit - this.events.length;
  }

  get isFull(): boolean {
    return this.room === 0;
  }

  /** The commit's events from a revision on, as far as there is room. Fault STORE_DAMAGED at the first one that cannot be proved. */
  takeUp(link: Link, from: number): void {
    const count = link.opened.events.length;
    for (let i = Math.max(0, from - link.opened.firstRevision); i < count && !this.isFull; i += 1) this.#take(link, i);
  }

  /** The same downwards. */
  takeDown(link: Link, from: number): void {
    const top = link.opened.events.length - 1;
    for (let i = Math.min(top, from - link.opened.firstRevision); i >= 0 && !this.isFull; i -= 1) this.#take(link, i);
  }

  #take({ seq, opened }: Link, index: number): void {
    const event = eventAt(seq, opened, index, this.#cursors);
    if (event instanceof Fault) throw event;
    this.events.push(event);
    this.#bytes += event.bytes.length + (event.sealed?.length ?? 0);
  }
}
