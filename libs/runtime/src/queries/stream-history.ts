import { decodeEvent } from '@maestro/codec';
import type { Recorded, StreamName } from '@maestro/domain';
import type { Cursor, EventStore, StoredEvent } from '@maestro/ports';
import { loadStream } from '../recorded-events.ts';

/** A stream whose bytes this release cannot use: it is named, and nothing else is touched. */
export type Unreadable = {
  readonly kind: 'unreadable';
  readonly code: 'EVENT_FROM_NEWER_VERSION' | 'STORE_DAMAGED';
  readonly detail: string;
};

export type History = {
  readonly kind: 'history';
  readonly events: readonly [Recorded, ...Recorded[]];
  /** of each event */
  readonly cursors: readonly Cursor[];
  /** of the latest event */
  readonly position: Cursor;
};

/** All events of one stream, in order. Faults of the store pass through. */
export async function readHistory(store: EventStore, stream: StreamName): Promise<History | Unreadable | { readonly kind: 'missing' }> {
  const { stored } = await loadStream(store, stream);
  const decoded = decodeAll(stored);
  if (decoded.kind === 'unreadable') return decoded;
  const [first, ...rest] = decoded.events;
  const position = stored.at(-1)?.cursor;
  if (first === undefined || position === undefined) return { kind: 'missing' };
  return { kind: 'history', events: [first, ...rest], cursors: stored.map(({ cursor }) => cursor), position };
}

/** Stored bytes → events, or the first that cannot be read. */
export function decodeAll(stored: readonly StoredEvent[]): { readonly kind: 'decoded'; readonly events: readonly Recorded[] } | Unreadable {
  const events: Recorded[] = [];
  for (const one of stored) {
    const decoded = decodeStored(one);
    if (decoded.kind === 'unreadable') return decoded;
    events.push(decoded.recorded);
  }
  return { kind: 'decoded', events };
}

/** One stored event; its bytes were checked against its hash by the store. */
export function decodeStored({ bytes, hash, stream, revision }: StoredEvent): { readonly kind: 'decoded'; readonly recorded: Recorded } | Unreadable {
  const decoded = decodeEvent(bytes, hash);
  if (decoded.kind === 'decoded') return decoded;
  const code = decoded.code === 'EVENT_FROM_NEWER_VERSION' ? decoded.code : 'STORE_DAMAGED';
  return { kind: 'unreadable', code, detail: `revision ${revision} of ${stream} cannot be read: ${decoded.detail}` };
}

/** Types of the events after which nothing is appended to a run. */
const TERMINAL = new Set(['execution.completed.v1', 'execution.denied.v1']);

export function isTerminal(type: string): boolean {
  return TERMINAL.has(type);
}
