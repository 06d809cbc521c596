import type { Recorded } from '@maestro/domain';
import type { History } from './stream-history.ts';

/** A point in the life of a stream: after the event of this revision, or at this time (ms since 1970). */
export type Moment = { readonly kind: 'revision'; readonly revision: number } | { readonly kind: 'time'; readonly atMs: number };

/** Nothing is known of the stream as it was then: it did not exist yet, or has not come that far. */
export type NotThen = { readonly kind: 'not-then'; readonly detail: string };

/**
 * A history as it was at a moment: its events up to then. Events carry times that never go back, and one commit is one
 * time, so a time never falls between the events of a commit; a revision may.
 */
export function historyAt(history: History, moment: Moment): History | NotThen {
  const { events, cursors } = history;
  const newest = events.at(-1)?.revision ?? -1;
  if (moment.kind === 'revision' && moment.revision > newest) return { kind: 'not-then', detail: `the newest revision is ${newest}; ${moment.revision} was asked for` };
  const isThen = ({ revision, at }: Recorded): boolean => (moment.kind === 'revision' ? revision <= moment.revision : Date.parse(at) <= moment.atMs);
  const later = events.findIndex((recorded) => !isThen(recorded));
  const count = later === -1 ? events.length : later;
  const [first, ...rest] = events.slice(0, count);
  const position = cursors[count - 1];
  if (first === undefined || position === undefined) return { kind: 'not-then', detail: `it begins at ${events[0].at}` };
  return { kind: 'history', events: [first, ...rest], cursors: cursors.slice(0, count), position };
}
