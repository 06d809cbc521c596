import type { AllPage, EventFilter, StoredEvent } from '@maestro/ports';
import { comparePlaces, type Cursors, type Place } from './commit-place.ts';
import type { LogReader } from './log-reader.ts';
import type { Patience } from './persist.ts';

/** A page stops after so many bytes. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;
const PAGE_COMMITS_MAX = 256;

/** `headSeq`: the newest sequence at the begin of the call, which ends the page. `consideredMax`: with a filter, so many events are looked at. */
export type AllRequest = {
  readonly place: Place;
  readonly headSeq: number;
  readonly limit: number;
  readonly consideredMax: number;
  readonly filter: EventFilter | undefined;
};

/** One page of all events. */
export class AllEvents {
  readonly #events: StoredEvent[] = [];
  readonly #parts: { readonly log: LogReader; readonly cursors: Cursors };
  readonly #asked: AllRequest;
  #place: Place;
  #considered = 0;
  #bytes = 0;

  constructor(parts: { readonly log: LogReader; readonly cursors: Cursors }, asked: AllRequest) {
    this.#parts = parts;
    this.#asked = asked;
    this.#place = asked.place;
  }

  async page(p: Patience): Promise<AllPage> {
    const { log, cursors } = this.#parts;
    const { headSeq, limit, filter } = this.#asked;
    while (!this.#isFull && !this.#isAtEnd) {
      const entries = await log.after(this.#place, headSeq, { commitsMax: Math.min(limit, PAGE_COMMITS_MAX), filter }, p);
      for (const entry of entries) {
        if (this.#isFull) break;
        if (entry.kind === 'damaged') {
          // what came before it is handed out; the next page is the fault
          if (this.#considered === 0) throw entry.fault;
          return { events: this.#events, next: cursors.at(this.#place), end: false };
        }
        this.#place = entry.place;
        this.#considered += 1;
        if (entry.kind === 'event') this.#take(entry.event);
      }
    }
    return { events: this.#events, next: this.#place.seq === 0 ? null : cursors.at(this.#place), end: this.#isAtEnd };
  }

  get #isFull(): boolean {
    const { limit, consideredMax, filter } = this.#asked;
    return this.#events.length >= limit || this.#bytes >= PAGE_BYTES_MAX || (filter !== undefined && this.#considered >= consideredMax);
  }

  get #isAtEnd(): boolean {
    return comparePlaces(this.#place, { seq: this.#asked.headSeq, remaining: 0 }) >= 0;
  }

  #take(event: StoredEvent): void {
    this.#events.push(event);
    this.#bytes += event.bytes.length + (event.sealed?.length ?? 0);
  }
}
