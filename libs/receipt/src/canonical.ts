import type { Json, JsonObject } from '@maestro/domain';
import { escapePointer } from '@maestro/domain';
import canonicalize from 'canonicalize';

const encoder = new TextEncoder();

/**
 * RFC 8785 text of a representable value (see `findUnrepresentable`). Throws on anything that JSON cannot carry.
 * `JSON.stringify` writes numbers and strings as RFC 8785 does, in a tenth of the library's time; so it writes every
 * value whose keys can be put in order before, and the library the few others.
 */
export function canonicalText(value: Json): string {
  const ordered = inOrder(value, 0);
  const text = ordered === NOT_ORDERED ? canonicalize(value) : JSON.stringify(ordered);
  if (text === undefined) throw new TypeError('undefined is not a JSON value');
  return text;
}

/** UTF-8 bytes of `canonicalText`. */
export function canonicalBytes(value: Json): Uint8Array {
  return encoder.encode(canonicalText(value));
}

/** Containers inside containers at most; deeper values are refused at every intake. */
export const JSON_DEPTH_MAX = 100;

/** Where and why canonical JSON would change a value in silence. `pointer` is RFC 6901. */
export type Unrepresentable = { readonly pointer: string; readonly reason: string };

/** Stands for a value that the engine would not enumerate in canonical order, or that is no plain JSON. */
const NOT_ORDERED = Symbol('not ordered');

/** The value with all keys in order of their UTF-16 code units; itself where they are already. */
function inOrder(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : NOT_ORDERED;
    case 'string':
      return value.isWellFormed() ? value : NOT_ORDERED;
    case 'object':
      if (value === null) return value;
      if (depth > JSON_DEPTH_MAX) return NOT_ORDERED;
      return Array.isArray(value) ? listInOrder(value, depth) : objectInOrder(value, depth);
    default:
      return NOT_ORDERED;
  }
}

function listInOrder(list: readonly unknown[], depth: number): unknown {
  let ordered: unknown[] | undefined;
  for (let i = 0; i < list.length; i += 1) {
    const item = inOrder(list[i], depth + 1);
    if (item === NOT_ORDERED) return NOT_ORDERED;
    if (item === list[i]) continue;
    ordered ??= [...list];
    ordered[i] = item;
  }
  return ordered ?? list;
}

function objectInOrder(object: object, depth: number): unknown {
  if (!isPlainObject(object) || typeof object['toJSON'] === 'function') return NOT_ORDERED;
  const keys = Object.keys(object);
  if (!keys.every((key) => key.isWellFormed())) return NOT_ORDERED;
  const isSorted = keys.every((key, i) => i === 0 || String(keys[i - 1]) < key);
  let isSame = isSorted;
  const entries: [string, unknown][] = [];
  for (const key of isSorted ? keys : keys.toSorted()) {
    const item = inOrder(object[key], depth + 1);
    if (item === NOT_ORDERED) return NOT_ORDERED;
    isSame &&= item === object[key];
    entries.push([key, item]);
  }
  if (isSame) return object;
  const ordered: object = Object.fromEntries(entries);
  // keys that look like indexes come first, and by number, whatever order they were set in
  return Object.keys(ordered).every((key, i) => key === entries[i]?.[0]) ? ordered : NOT_ORDERED;
}

/**
 * The first place that canonical JSON cannot carry exactly: integers of 2^53 and more, non-finite numbers, lone
 * surrogates, `undefined`, functions, and nesting over `JSON_DEPTH_MAX`. Undefined when the value is fine.
 * Goes no deeper than that bound, so that depth costs no stack.
 */
export function findUnrepresentable(value: unknown): Unrepresentable | undefined {
  const found = findBelow(value, 0);
  return found && { pointer: found.keys.toReversed().map((key) => `/${escapePointer(key)}`).join(''), reason: found.reason };
}

/** `keys`: the way to the place, innermost first. */
type Place = { readonly keys: string[]; readonly reason: string };

function findBelow(value: unknown, depth: number): Place | undefined {
  const reason = depth > JSON_DEPTH_MAX ? `nested deeper than ${JSON_DEPTH_MAX} levels` : reasonAgainst(value);
  if (reason !== undefined) return { keys: [], reason };
  if (typeof value !== 'object' || value === null) return undefined;
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed()) return { keys: [], reason: 'a key with a lone surrogate' };
    const found = findBelow((value as { readonly [key: string]: unknown })[key], depth + 1);
    if (found === undefined) continue;
    found.keys.push(key);
    return found;
  }
  return undefined;
}

function reasonAgainst(value: unknown): string | undefined {
  switch (typeof value) {
    case 'boolean':
      return undefined;
    case 'string':
      return value.isWellFormed() ? undefined : 'a string with a lone surrogate';
    case 'number':
      if (!Number.isFinite(value)) return 'a number that is not finite';
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? 'an integer of 2^53 or more' : undefined;
    case 'object':
      return value === null || Array.isArray(value) || isPlainObject(value) ? undefined : 'an object that is not plain JSON';
    default:
      return `a value of type ${typeof value}`;
  }
}

// By tag and not by prototype: objects cross realms (worker threads, test contexts).
function isPlainObject(value: object): value is JsonObject {
  return Object.prototype.toString.call(value) === '[object Object]';
}
