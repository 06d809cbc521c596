import { Fault, isFault, matches, type EventFilter, type SubscriptionItem } from '@maestro/ports';
import { faultOf, isCallFailure, toCallFailure } from './call-failure.ts';
import { LiveFeed, type FeedItem } from './live-feed.ts';
import type { LogReader } from './log-reader.ts';
import type { Namespace } from './namespace.ts';
import { comparePositions, type LogPosition } from './place-cursor.ts';
import { positionOf, type StreamReader } from './stream-reader.ts';
import { pauseMs, type SupervisedClient } from './supervised-client.ts';
import { pause } from './time-limit.ts';

export type Followed = {
  readonly client: SupervisedClient;
  readonly log: LogReader;
  readonly reader: StreamReader;
  readonly namespace: Namespace;
};
type Following = { readonly after: LogPosition; readonly filter?: EventFilter | undefined; readonly signal: AbortSignal };

/**
 * Follows the log from a place for ever, over as many subscriptions of the client as it takes.
 *
 * S1. `place` is the last place that was handed out or passed over; the next subscription goes on after it. What comes
 *     at or before it is dropped, so that nothing is doubled; what was sent and not handed out comes again.
 * S2. A broken subscription is made again after a pause that grows to half a second, for as long as it takes. It ends for
 *     a signal, for a closed store (STORE_CLOSED) and for credentials that are refused (STORE_DENIED) only.
 * S3. Checkpoints and the places of caught-up never go back, and none is in front of the first event of this program.
 */
export async function* followLog(from: Followed, o: Following): AsyncGenerator<SubscriptionItem, void, undefined> {
  const { client, log } = from;
  let place = o.after;
  let isChecked = false;
  for (let tries = 0; !o.signal.aborted; tries += 1) {
    let feed: LiveFeed | undefined;
    try {
      if (!isChecked) await log.check(place, { signal: o.signal });
      isChecked = true;
      const live = client.current();
      feed = new LiveFeed(live, { after: place, filter: o.filter, namespace: from.namespace });
      for (;;) {
        const item = await feed.next(o.signal, client.closing).catch((error: unknown) => {
          client.failed(live, toCallFailure(error));
          throw error;
        });
        if (item === undefined) break;
        tries = 0;
        const position = item.kind === 'event' ? positionOf(item.event) : item.kind === 'checkpoint' ? item.position : place;
        if (item.kind !== 'caught-up' && comparePositions(position, place) <= 0) continue;
        place = position;
        const shown = show(from, item, position, o.filter);
        if (shown !== undefined) yield shown;
      }
    } catch (error) {
      giveUp(error);
    } finally {
      feed?.stop();
    }
    if (o.signal.aborted) return;
    if (client.closing.aborted) throw new Fault('STORE_CLOSED', 'the store was closed; open it again');
    await pause(pauseMs(tries), o.signal, client.closing);
  }

  /** What may pass is waited for; all else is the reader's to know. */
  function giveUp(error: unknown): void {
    if (isFault(error) && (error.retryable || error.code === 'ABORTED' || error.code === 'STORE_CLOSED')) return;
    if (!isCallFailure(error)) throw error;
    if (error.kind === 'denied') throw faultOf(error, `following the log after ${log.cursorAt(place) ?? 'its start'}`);
  }
}

/** Undefined: an event of others, or one that the filter holds back. */
function show(from: Followed, item: FeedItem, position: LogPosition, filter: EventFilter | undefined): SubscriptionItem | undefined {
  const cursor = from.log.cursorAt(position);
  if (item.kind === 'caught-up') return { kind: 'caught-up', cursor };
  if (cursor === null) return undefined;
  if (item.kind === 'checkpoint') return { kind: 'checkpoint', cursor };
  const stream = from.namespace.streamOf(item.event.streamId);
  if (stream === undefined) return undefined;
  try {
    const event = from.reader.stored(stream, item.event);
    return matches(event, filter) ? { kind: 'event', event } : undefined;
  } catch (error) {
    if (!isFault(error, 'STORE_DAMAGED')) throw error;
    return { kind: 'damaged', cursor, stream, fault: error };
  }
}
