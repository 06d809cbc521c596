import type { ExecutionEvent, ExecutionState } from './state.ts';
import { forkExecution } from './state.ts';
import { evolveExecution } from './evolve.ts';

/** Events of one commit at most, and the room kept for what must end it (a deferral or a completion). */
export const COMMIT_EVENTS_MAX = 256;
const RESERVED = 6;

/**
 * Room for bulk events in a commit of 512 KiB; the rest is for the event that was reported, with its seals.
 * Sizes are upper bounds: an event with the longest ids, and one reference to an output.
 */
export const BULK_BYTES_MAX = 320 * 1024;
const EVENT_BYTES_MAX = 1_024;
const REF_BYTES_MAX = 100;

/** A decision in the making: every event is tried at once, so that later ones see the state after it. */
export type Draft = {
  readonly state: ExecutionState;
  readonly events: ExecutionEvent[];
  readonly now: string;
  /** upper bound of what the bulk events take */
  bulkBytes: number;
};

export function draftOn(state: ExecutionState, now: string): Draft {
  return { state: forkExecution(state), events: [], now, bulkBytes: 0 };
}

/** `valueBytes`: upper bound of what its sealed and public values take, where it has some. */
export function add(draft: Draft, event: ExecutionEvent, valueBytes = 0): void {
  draft.events.push(event);
  draft.bulkBytes += bytesOf('refs' in event.data ? event.data.refs.length : 0) + valueBytes;
  evolveExecution(draft.state, { event, revision: draft.state.revision + 1, at: draft.now });
}

/** Whether another event of the bulk kind (schedule, skip, stop, reuse) with so many references and bytes fits in. */
export function hasRoom(draft: Draft, refCount = 0, valueBytes = 0): boolean {
  return draft.events.length < COMMIT_EVENTS_MAX - RESERVED && draft.bulkBytes + bytesOf(refCount) + valueBytes <= BULK_BYTES_MAX;
}

function bytesOf(refCount: number): number {
  return EVENT_BYTES_MAX + refCount * REF_BYTES_MAX;
}

/** RFC 3339 time `ms` after another. */
export function later(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString();
}
