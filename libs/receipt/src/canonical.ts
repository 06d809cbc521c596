import type { Json, JsonObject } from '@maestro/domain';
import { escapePointer } from '@maestro/domain';
import canonicalize from 'canonicalize';

const encoder = new TextEncoder();

/** RFC 8785 text of a representable value (see `findUnrepresentable`). Throws on anything that JSON cannot carry. */
export function canonicalText(value: Json): string {
  const text = canonicalize(value);
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

/**
 * The first place that canonical JSON cannot carry exactly: integers of 2^53 and more, non-finite numbers, lone
 * surrogates, `undefined`, functions, and nesting over `JSON_DEPTH_MAX`. Undefined when the value is fine.
 * Iterative, so that depth costs no stack.
 */
export function findUnrepresentable(value: unknown): Unrepresentable | undefined {
  const open: { value: unknown; pointer: string; depth: number }[] = [{ value, pointer: '', depth: 0 }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const reason = at.depth > JSON_DEPTH_MAX ? `nested deeper than ${JSON_DEPTH_MAX} levels` : reasonAgainst(at.value);
    if (reason !== undefined) return { pointer: at.pointer, reason };
    if (typeof at.value !== 'object' || at.value === null) continue;
    for (const [key, child] of Object.entries(at.value)) {
      if (!key.isWellFormed()) return { pointer: at.pointer, reason: 'a key with a lone surrogate' };
      open.push({ value: child, pointer: `${at.pointer}/${escapePointer(key)}`, depth: at.depth + 1 });
    }
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
