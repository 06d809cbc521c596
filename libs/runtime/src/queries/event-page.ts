import { storedForm } from '@maestro/codec';
import { executionStream } from '@maestro/domain';
import type { ExecutionId, Json } from '@maestro/domain';
import type { Cursor, EventStore } from '@maestro/ports';
import { decodeAll } from './stream-history.ts';
import type { Unreadable } from './stream-history.ts';

/** One stored event as it is shown: RFC 8785 of `event` are the stored bytes, SHA-256(0x00 || bytes) is `hash`. */
export type ShownEvent = { readonly hash: string; readonly event: { readonly [key: string]: Json } };

export type EventPage = {
  readonly kind: 'page';
  readonly items: readonly ShownEvent[];
  /** revision to continue from; null: nothing more for now */
  readonly next: number | null;
  /** of the last event of this page; null: the page is empty */
  readonly position: Cursor | null;
};

/** One page of a run's history from a revision on (inclusive), at most `limit` events. */
export async function readEventPage(
  store: EventStore,
  id: ExecutionId,
  o: { readonly from: number; readonly limit: number },
): Promise<EventPage | Unreadable | { readonly kind: 'missing' }> {
  const page = await store.readStream(executionStream(id), { from: BigInt(o.from), direction: 'forward', limit: o.limit });
  if (page.kind === 'missing') return page;
  const decoded = decodeAll(page.events);
  if (decoded.kind === 'unreadable') return decoded;
  const items = decoded.events.map((recorded) => ({ hash: recorded.hash, event: storedForm(recorded) as unknown as ShownEvent['event'] }));
  const last = page.events.at(-1);
  const next = page.end || last === undefined ? null : Number(last.revision) + 1;
  return { kind: 'page', items, next, position: last?.cursor ?? null };
}
