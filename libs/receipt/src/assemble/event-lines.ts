import type { Json, Recorded } from '@maestro/domain';
import { canonicalBytes } from '../canonical.ts';

const LINE_END = Uint8Array.of(0x0a);

/** The stored bytes of an event, made anew: RFC 8785 of its stored form. Equal to what the store keeps. */
export function eventBytes({ event, hash: _, ...place }: Recorded): Uint8Array {
  return canonicalBytes({ ...place, type: event.type, data: event.data as unknown as Json });
}

/** `events.jsonl`: the canonical bytes of each event, every line ended by a line feed. */
export function eventsJsonl(events: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(events.flatMap((bytes) => [bytes, LINE_END]));
}
