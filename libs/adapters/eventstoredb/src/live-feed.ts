import type { AllStreamSubscription, EventStoreDBClient, Filter, ResolvedEvent } from '@eventstore/db-client';
import type { EventFilter } from '@maestro/ports';
import { CallFailure, toCallFailure } from './call-failure.ts';
import type { Namespace } from './namespace.ts';
import type { LogPosition } from './place-cursor.ts';
import type { LiveClient } from './supervised-client.ts';

/** The server reports where it is after so many events considered, found or not. */
const CHECKPOINT_EVENTS = 256;
const SEARCH_WINDOW_EVENTS = 32;
/** Events that wait for a slow reader in the client; as many again and one window of bytes wait below it. */
const BUFFERED_EVENTS = 64;

export type FeedItem =
  | { readonly kind: 'event'; readonly event: NonNullable<ResolvedEvent['event']> }
  | { readonly kind: 'checkpoint'; readonly position: LogPosition }
  | { readonly kind: 'caught-up' };

type Mark = { readonly at: number; readonly item: FeedItem };

/** What the server shall send at all; categories and types exactly are for the reader to check. */
function serverFilter(namespace: Namespace, filter: EventFilter | undefined, checkpointReached: NonNullable<Filter['checkpointReached']>): Filter {
  const o = { maxSearchWindow: SEARCH_WINDOW_EVENTS, checkpointInterval: CHECKPOINT_EVENTS / SEARCH_WINDOW_EVENTS, checkpointReached };
  if (filter?.categories === undefined && filter?.types !== undefined) {
    return { ...o, filterOn: 'eventType', prefixes: [...filter.types] };
  }
  const prefixes = filter?.categories?.map((category) => namespace.nameOf(`${category}-`)) ?? [namespace.prefix];
  return { ...o, filterOn: 'streamName', prefixes };
}

/**
 * One subscription of the client, pulled item by item. It ends with a CallFailure; whoever reads it makes the next one.
 *
 * F1. Events and marks (checkpoints, caught-up) come out in the order in which the server sent them: a mark stands behind
 *     all events that had been sent before it, which is how many were taken and how many are buffered at that moment.
 * F2. Nothing is taken from the buffer before it is asked for, so that a slow reader stops the server by back-pressure.
 * F3. Once the server has said that it is caught up, it does not say so again: whenever all that came since was taken,
 *     another mark says so, for readers work off what is at hand when nothing more is.
 */
export class LiveFeed {
  readonly #subscription: AllStreamSubscription;
  readonly #live: LiveClient;
  readonly #marks: Mark[] = [];
  #taken = 0;
  #isLive = false;
  /** events were taken since the last mark that says "caught up" */
  #isBehind = false;
  #failure: CallFailure | undefined;
  #wake: (() => void) | undefined;

  constructor(live: LiveClient, o: { readonly after: LogPosition; readonly filter?: EventFilter | undefined; readonly namespace: Namespace }) {
    this.#live = live;
    const filter = serverFilter(o.namespace, o.filter, async (_, { commit, prepare }) =>
      this.#mark({ kind: 'checkpoint', position: { commit, prepare } }),
    );
    this.#subscription = subscribe(live.client, o.after, filter);
    this.#subscription.on('caughtUp', () => this.#mark({ kind: 'caught-up' }));
    this.#subscription.on('readable', () => this.#wake?.());
    this.#subscription.on('error', (error) => this.#fail(toCallFailure(error)));
    this.#subscription.on('end', () => this.#fail(new CallFailure('unavailable', new Error('the server ended the subscription'))));
    live.retired.addEventListener('abort', this.#onRetired);
    if (live.retired.aborted) this.#onRetired();
  }

  /** The next item; undefined once a signal has fired. Rejects with a CallFailure when no more come. */
  async next(...signals: readonly AbortSignal[]): Promise<FeedItem | undefined> {
    for (;;) {
      if (signals.some((s) => s.aborted)) return undefined;
      const item = this.#take();
      if (item !== undefined) return item;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#wake = undefined;
          for (const signal of signals) signal.removeEventListener('abort', done);
          resolve();
        };
        this.#wake = done;
        for (const signal of signals) signal.addEventListener('abort', done);
      });
    }
  }

  /** Ends the call; items not yet taken are gone, and come again with the next feed. */
  stop(): void {
    this.#live.retired.removeEventListener('abort', this.#onRetired);
    this.#subscription.unsubscribe().catch(() => {}); // a call that never began has nothing to end
    this.#subscription.destroy();
  }

  readonly #onRetired = (): void => this.#fail(new CallFailure('unavailable', new Error('the client was replaced')));

  #take(): FeedItem | undefined {
    const mark = this.#marks[0];
    if (mark !== undefined && mark.at <= this.#taken) {
      this.#marks.shift();
      if (mark.item.kind === 'caught-up') this.#tellCaughtUp();
      return mark.item;
    }
    const resolved = this.#subscription.read() as ResolvedEvent | null;
    if (resolved === null) return this.#isLive && this.#isBehind ? this.#tellCaughtUp() : undefined;
    this.#taken += 1;
    this.#isBehind = true;
    return resolved.event === undefined ? this.#take() : { kind: 'event', event: resolved.event };
  }

  #tellCaughtUp(): FeedItem {
    this.#isLive = true;
    this.#isBehind = false;
    return { kind: 'caught-up' };
  }

  #mark(item: FeedItem): void {
    this.#marks.push({ at: this.#taken + this.#subscription.readableLength, item });
    this.#wake?.();
  }

  #fail(failure: CallFailure): void {
    this.#failure ??= failure;
    this.#wake?.();
  }
}

function subscribe(client: EventStoreDBClient, after: LogPosition, filter: Filter): AllStreamSubscription {
  return client.subscribeToAll({ fromPosition: after, filter, requiresLeader: true }, { highWaterMark: BUFFERED_EVENTS });
}
