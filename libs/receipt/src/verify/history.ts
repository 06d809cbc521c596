import { eventValidators, validateStoredEventV1 } from '@maestro/contracts';
import type { AnyEvent, EventType, StoredEventV1 } from '@maestro/contracts';
import type { Json, Recorded } from '@maestro/domain';
import { isTerminal } from '../assemble/assemble.ts';
import { canonicalText } from '../canonical.ts';
import { eventHash, eventId, sha256 } from '../chain.ts';
import { readCanonicalJson } from './canonical-json.ts';
import { schemaProblem } from './schema-problem.ts';

/** One line of `events.jsonl`. `stored` undefined: `problem` says why it is not an event. */
export type HistoryLine = { readonly hash: string; readonly stored: StoredEventV1 | undefined; readonly problem: string };

/** `events.jsonl` taken apart; nothing about it is verified yet. */
export type History = {
  readonly lines: readonly HistoryLine[];
  /** the last line has no end: the file was cut */
  readonly isCut: boolean;
  readonly bytes: Uint8Array;
};

const LINE_FEED = 0x0a;
/** events of one commit at most, so the index within a command is below it */
const COMMIT_EVENTS_MAX = 256;

/** Splits and parses. An unended last line is no line. */
export function openHistory(bytes: Uint8Array): History {
  const lines: HistoryLine[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    lines.push(openLine(bytes.subarray(start, end)));
    start = end + 1;
  }
  return { lines, isCut: start < bytes.length, bytes };
}

function openLine(bytes: Uint8Array): HistoryLine {
  const read = readCanonicalJson(bytes);
  const hash = eventHash(bytes);
  if ('problem' in read) return { hash, stored: undefined, problem: read.problem };
  const value: unknown = read.value;
  if (!validateStoredEventV1(value)) return { hash, stored: undefined, problem: `not a stored event: ${schemaProblem(validateStoredEventV1)}` };
  return { hash, stored: value, problem: '' };
}

/**
 * The index within its command for which an event's id follows from its content and place; -1: none, the event is not
 * what was stored. With siblings missing it is not `likelyIndex`, so any index that a commit can have is tried.
 */
export function indexInCommand({ id, ...rest }: StoredEventV1, likelyIndex: number): number {
  const digest = sha256(canonicalText(rest as unknown as Json));
  const fits = (index: number): boolean => eventId(rest.stream, rest.commandId, index, digest) === id;
  return fits(likelyIndex) ? likelyIndex : Array.from({ length: COMMIT_EVENTS_MAX }, (_, index) => index).findIndex(fits);
}

/** An event as deciders and assemblers read it, or why this release cannot. */
export type ReadEvent =
  | { readonly kind: 'read'; readonly recorded: Recorded }
  | { readonly kind: 'unknown-version' | 'misfit'; readonly detail: string };

export function readEvent({ type, data, ...place }: StoredEventV1, hash: string): ReadEvent {
  if (!isKnown(type)) return { kind: 'unknown-version', detail: `${type} at revision ${place.revision}` };
  const event: unknown = { type, data };
  const validate = eventValidators[type];
  if (!validate(event)) return { kind: 'misfit', detail: `${type} at revision ${place.revision}: ${schemaProblem(validate)}` };
  return { kind: 'read', recorded: { ...place, event: event as AnyEvent, hash } };
}

/** Index of the event that ends the run; -1: none does. */
export function terminalIndex(history: History): number {
  // Only the type decides here; whether the rest fits is row 6.
  return history.lines.findIndex(({ stored }) => stored !== undefined && isTerminal({ type: stored.type, data: stored.data } as unknown as AnyEvent));
}

function isKnown(type: string): type is EventType {
  return Object.hasOwn(eventValidators, type);
}
