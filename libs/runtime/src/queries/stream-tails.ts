import type { StreamName } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { Clock, Cursor, EventStore, Log, StoredEvent, StreamPage } from '@maestro/ports';
import { pause } from '../follow-events.ts';
import { Tail } from './tail.ts';

/** Categories of the streams that can be followed. */
const FILTER = { categories: ['execution', 'workflow'] } as const;
const PAGE_EVENTS = 200;
/** How long the feed goes on when nobody follows any more: the next one often comes at once. */
const LINGER_MS = 10_000;

type Parts = { readonly store: EventStore; readonly clock: Clock; readonly log: Log };
/** `begun` resolves when its first place is known, or it has failed, which its tails are told. */
type Feed = { readonly begun: Promise<void>; readonly stop: AbortController };

/**
 * Follows streams, all over one subscription: the store is asked for each new event once, however many wait for it.
 * T1. A tail joins the feed before it reads its stream, and the feed begins at a place that was the end of the store before that: what
 *     that reading does not show, the feed will.
 * T2. Only the next revision is ever yielded. Where the feed shows a later one, or more than a slow reader's tail holds, the
 *     stream is read again. So a slow reader holds back itself only.
 * T3. A fault that may pass is waited out, by the feed and by whoever reads; any other one ends them.
 */
export class StreamTails {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #tails = new Map<string, Set<Tail>>();
  #feed: Feed | undefined;
  #cancelEnd: () => void = () => {};

  constructor({ store, clock, log }: Parts) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The events of one stream from a revision on (inclusive): first those that are there, then each as it is appended. Ends
   * without error when the signal fires; a stream that does not exist yet is waited for.
   */
  async *follow(stream: StreamName, from: bigint, signal: AbortSignal): AsyncGenerator<StoredEvent, void, undefined> {
    const tail = new Tail();
    const { begun } = this.#join(stream, tail);
    try {
      await orAborted(begun, signal);
      let next = from;
      while (!signal.aborted) {
        for await (const event of this.#stored(stream, next, signal)) {
          next = event.revision + 1n;
          yield event;
        }
        for (let isBehind = false; !isBehind && !signal.aborted; ) {
          const item = await tail.next(signal);
          if (item === 'ended') return;
          isBehind = item === 'behind' || item.revision > next;
          if (item === 'behind' || item.revision !== next) continue;
          next = item.revision + 1n;
          yield item;
        }
      }
    } finally {
      this.#leave(stream, tail);
    }
  }

  /** Ends the feed; whoever follows is left to its own signal. */
  close(): void {
    this.#cancelEnd();
    this.#feed?.stop.abort();
    this.#feed = undefined;
  }

  #join(stream: string, tail: Tail): Feed {
    const others = this.#tails.get(stream);
    if (others === undefined) this.#tails.set(stream, new Set([tail]));
    else others.add(tail);
    this.#cancelEnd();
    this.#feed ??= this.#begin();
    return this.#feed;
  }

  #leave(stream: string, tail: Tail): void {
    const others = this.#tails.get(stream);
    others?.delete(tail);
    if (others?.size === 0) this.#tails.delete(stream);
    if (this.#tails.size > 0 || this.#feed === undefined) return;
    this.#cancelEnd = this.#clock.after(LINGER_MS, () => this.close());
  }

  #begin(): Feed {
    const stop = new AbortController();
    let tellBegun: () => void = () => {};
    const begun = new Promise<void>((resolve) => (tellBegun = resolve));
    const feed = { begun, stop };
    void this.#run(stop.signal, tellBegun).catch((error: unknown) => {
      if (this.#feed === feed) this.#feed = undefined;
      for (const tails of this.#tails.values()) for (const tail of tails) tail.fail(error);
      tellBegun();
    });
    return feed;
  }

  async #run(signal: AbortSignal, tellBegun: () => void): Promise<void> {
    let after: Cursor | null = (await this.#waitedOut(() => this.#store.head(), signal)) ?? null;
    tellBegun();
    while (!signal.aborted) {
      await this.#waitedOut(async () => {
        for await (const item of this.#store.subscribe({ after, filter: FILTER, signal })) {
          if (item.kind === 'event') for (const tail of this.#tails.get(item.event.stream) ?? []) tail.take(item.event);
          if (item.kind === 'damaged' && item.stream !== null) for (const tail of this.#tails.get(item.stream) ?? []) tail.fail(item.fault);
          after = (item.kind === 'event' ? item.event.cursor : item.cursor) ?? after;
        }
      }, signal);
    }
  }

  async *#stored(stream: StreamName, from: bigint, signal: AbortSignal): AsyncGenerator<StoredEvent, void, undefined> {
    let next = from;
    for (let end = false; !end && !signal.aborted; ) {
      const page: StreamPage | undefined = await this.#waitedOut(() => this.#store.readStream(stream, { from: next, direction: 'forward', limit: PAGE_EVENTS }), signal);
      if (page === undefined || page.kind === 'missing') return;
      for (const event of page.events) {
        if (signal.aborted) return;
        next = event.revision + 1n;
        yield event;
      }
      end = page.end || page.events.length === 0;
    }
  }

  /** Undefined: the signal fired first. */
  async #waitedOut<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    while (!signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!isFault(error) || !error.retryable) throw error;
        this.#log.log('debug', 'live tails wait for the event store', { error });
        await pause(this.#clock, signal);
      }
    }
    return undefined;
  }
}

/** Resolves with it, or when the signal fires. */
function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end);
    void promise.then(end);
  });
}
