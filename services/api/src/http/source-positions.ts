import { escapePointer } from '@maestro/domain';
import { EVENT_ID, SCALAR_STYLE, getScalarValue, parseEvents } from 'js-yaml';
import type { Event } from 'js-yaml';
import { JSON_DEPTH_MAX } from '@maestro/receipt';

/** Line and column, both from 1. */
export type SourcePosition = { readonly line: number; readonly column: number };

/** Larger texts are not searched: what a problem is worth is bounded. */
const TEXT_LENGTH_MAX = 262_144;

type Level = { readonly pointer: string; readonly kind: 'map' | 'list'; key: string | undefined; index: number };

/**
 * Where values of a JSON or YAML text stand, by pointer. One linear pass over the parser's events, made only where there
 * are problems. A pointer that leads nowhere (a missing property) is placed at the nearest container that exists.
 */
export function positionsOf(text: string, pointers: readonly string[]): ReadonlyMap<string, SourcePosition> {
  if (text.length > TEXT_LENGTH_MAX) return new Map();
  const offsets = offsetsOf(text);
  const lines = lineStarts(text);
  const found = new Map<string, SourcePosition>();
  for (const pointer of pointers) {
    let at = pointer;
    while (at !== '' && !offsets.has(at)) at = at.slice(0, at.lastIndexOf('/'));
    const offset = offsets.get(at);
    if (offset !== undefined) found.set(pointer, positionAt(lines, offset));
  }
  return found;
}

/** Pointer → character offset, of every node; of a mapping's value, the offset of its key. */
function offsetsOf(text: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  const levels: Level[] = [];
  for (const event of parseEvents(text, { maxDepth: JSON_DEPTH_MAX + 1 })) {
    if (event.type === EVENT_ID.POP) {
      levels.pop();
      continue;
    }
    if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.ALIAS) continue;
    const level = levels.at(-1);
    const start = startOf(event);
    if (event.type === EVENT_ID.SCALAR && level?.kind === 'map' && level.key === undefined) {
      level.key = `${level.pointer}/${escapePointer(getScalarValue(text, event))}`;
      offsets.set(level.key, start);
      continue;
    }
    const pointer = takePointer(level);
    if (!offsets.has(pointer)) offsets.set(pointer, start);
    if (event.type !== EVENT_ID.SCALAR) levels.push({ pointer, kind: event.type === EVENT_ID.MAPPING ? 'map' : 'list', key: undefined, index: 0 });
  }
  return offsets;
}

type Node = Exclude<Event, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.ALIAS }>;

/** A quoted scalar begins at its quote; the parser names what is inside. */
function startOf(event: Node): number {
  if (event.type !== EVENT_ID.SCALAR) return event.start;
  const isQuoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  return event.valueStart - (isQuoted ? 1 : 0);
}

function takePointer(level: Level | undefined): string {
  if (level === undefined) return '';
  if (level.kind === 'list') return `${level.pointer}/${level.index++}`;
  const pointer = level.key ?? level.pointer;
  level.key = undefined;
  return pointer;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Binary search of the line that an offset lies in. */
function positionAt(lines: readonly number[], offset: number): SourcePosition {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lines[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
}
