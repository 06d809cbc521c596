import { decodeEvent } from '@maestro/codec';
import type { Recorded, StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { Pause } from './byte-slices.ts';
import type { EventStore, StoredEvent, Version } from '@maestro/ports';

// By the bytes themselves: a store hands the same ones to every subscriber, and the ones that were just appended to it.
const decoded = new WeakMap<Uint8Array, Recorded>();

/** Stored event → domain event. Faults: EVENT_FROM_NEWER_VERSION; STORE_DAMAGED where the bytes are no event at all. */
export function recordedOf(stored: StoredEvent): Recorded {
  const known = decoded.get(stored.bytes);
  if (known !== undefined) return known;
  const result = decodeEvent(stored.bytes, stored.hash);
  if (result.kind === 'failed' && result.code === 'EVENT_FROM_NEWER_VERSION') throw new Fault(result.code, `${result.detail}; upgrade to use this stream`);
  if (result.kind === 'failed') throw new Fault('STORE_DAMAGED', `${result.code} in ${stored.stream}: ${result.detail}`);
  decoded.set(stored.bytes, result.recorded);
  return result.recorded;
}

/** What these bytes say is known already: they were made from it, and are in the store now. */
export function rememberRecorded(bytes: Uint8Array, recorded: Recorded): void {
  decoded.set(bytes, recorded);
}

export type LoadedStream = {
  readonly stored: readonly StoredEvent[];
  /** undefined: the stream does not exist */
  readonly version: Version | undefined;
};

const PAGE = 500;

/** All events of a stream from a revision on (inclusive), page by page; `pause`: between two pages. */
export async function loadStream(store: EventStore, stream: StreamName, from = 0n, pause?: Pause): Promise<LoadedStream> {
  const stored: StoredEvent[] = [];
  let version: Version | undefined;
  for (let next = from; ; ) {
    const page = await store.readStream(stream, { from: next, direction: 'forward', limit: PAGE });
    if (page.kind === 'missing') return { stored, version };
    stored.push(...page.events);
    version = page.version;
    const last = page.events.at(-1);
    if (page.end || last === undefined) return { stored, version };
    next = last.revision + 1n;
    await pause?.();
  }
}

/** One event of a stream; undefined: it has no such revision. */
export async function readEventAt(store: EventStore, stream: StreamName, revision: number): Promise<Recorded | undefined> {
  const page = await store.readStream(stream, { from: BigInt(revision), direction: 'forward', limit: 1 });
  const stored = page.kind === 'page' ? page.events[0] : undefined;
  return stored === undefined ? undefined : recordedOf(stored);
}
