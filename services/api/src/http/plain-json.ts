import { JSON_DEPTH_MAX, findUnrepresentable } from '@maestro/receipt';
import { escapePointer } from '@maestro/domain';

/** Keys that carry meaning for the language below and none for a user. */
const FORBIDDEN_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** What of a parsed value is not accepted, and where (RFC 6901). */
export type PlainJsonFault = { readonly pointer: string; readonly code: 'INVALID_JSON_VALUE' | 'NAME_FORBIDDEN'; readonly reason: string };

type Found = { readonly path: string[]; readonly code: PlainJsonFault['code']; readonly reason: string };

/**
 * The first place of a value fresh from a parser that canonical JSON cannot carry as it is (`findUnrepresentable` has
 * the rules), or that is named by a forbidden key. One pass that makes no pointer until it needs one, since a body of
 * 1 MiB may hold half a million values. Recursion is bounded by JSON_DEPTH_MAX.
 */
export function findPlainJsonFault(value: unknown): PlainJsonFault | undefined {
  const found = faultOf(value, 0);
  if (found === undefined) return undefined;
  const pointer = found.path.reverse().map((token) => `/${escapePointer(token)}`).join('');
  return { pointer, code: found.code, reason: found.reason };
}

function faultOf(value: unknown, depth: number): Found | undefined {
  if (typeof value === 'object' && value !== null) return depth > JSON_DEPTH_MAX ? tooDeep() : faultWithin(value, depth);
  return isPlainLeaf(value) ? undefined : { path: [], code: 'INVALID_JSON_VALUE', reason: findUnrepresentable(value)?.reason ?? 'not a JSON value' };
}

function faultWithin(value: object, depth: number): Found | undefined {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = faultOf(value[i], depth + 1);
      if (found !== undefined) return under(String(i), found);
    }
    return undefined;
  }
  const items = value as { readonly [key: string]: unknown };
  for (const key of Object.keys(value)) {
    const found = faultOfKey(key) ?? faultOf(items[key], depth + 1);
    if (found !== undefined) return under(key, found);
  }
  return undefined;
}

function under(key: string, found: Found): Found {
  found.path.push(key);
  return found;
}

function faultOfKey(key: string): Found | undefined {
  if (FORBIDDEN_KEYS.includes(key)) return { path: [], code: 'NAME_FORBIDDEN', reason: `${FORBIDDEN_KEYS.join(', ')} are not allowed as keys` };
  return key.isWellFormed() ? undefined : { path: [], code: 'INVALID_JSON_VALUE', reason: 'a key with a lone surrogate' };
}

function tooDeep(): Found {
  return { path: [], code: 'INVALID_JSON_VALUE', reason: `nested deeper than ${JSON_DEPTH_MAX} levels` };
}

function isPlainLeaf(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value));
  return typeof value === 'boolean' || value === null;
}
