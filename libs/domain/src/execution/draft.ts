import type { ExecutionEvent, ExecutionState } from './state.ts';
import { forkExecution } from './state.ts';
import { evolveExecution } from './evolve.ts';

/** Events of one commit at most, and the room kept for what must end it (a deferral or a completion). */
export const COMMIT_EVENTS_MAX = 256;
const RESERVED = 6;

/** A decision in the making: every event is tried at once, so that later ones see the state after it. */
export type Draft = {
  readonly state: ExecutionState;
  readonly events: ExecutionEvent[];
  readonly now: string;
};

export function draftOn(state: ExecutionState, now: string): Draft {
  return { state: forkExecution(state), events: [], now };
}

export function add(draft: Draft, event: ExecutionEvent): void {
  draft.events.push(event);
  evolveExecution(draft.state, { event, revision: draft.state.revision + 1, at: draft.now });
}

/** Whether another event of the bulk kind (schedule, skip) fits into this commit. */
export function hasRoom(draft: Draft): boolean {
  return draft.events.length < COMMIT_EVENTS_MAX - RESERVED;
}

/** RFC 3339 time `ms` after another. */
export function later(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString();
}
