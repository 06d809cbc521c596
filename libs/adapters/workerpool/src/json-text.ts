import type { Json } from '@maestro/domain';

/**
 * JSON text of a value, where `JSON.stringify` would change it in silence: NaN to null, a Date to text, `undefined`
 * to nothing. Throws a TypeError that names the key, never the value. What survives the text (depth, integers, lone
 * surrogates) is for the reader to judge.
 */
export function jsonText(value: Json): string {
  try {
    return JSON.stringify({ output: value }, refuseOthers).slice('{"output":'.length, -1);
  } catch (error) {
    // Too deep for the stack, a circle, a bigint, or ours.
    throw new TypeError(
      (error as { name?: unknown }).name === 'NotJson' ? (error as Error).message : 'nested without end, or not JSON at all',
    );
  }
}

function refuseOthers(this: unknown, key: string, value: unknown): unknown {
  // Not `value`: `toJSON` has already changed that.
  const own = (this as Record<string, unknown>)[key];
  const type = Number.isNaN(own) || own === Infinity || own === -Infinity ? 'a number that is not finite' : typeOf(own);
  if (type !== undefined) throw Object.assign(new Error(`${type} under "${key}"`), { name: 'NotJson' });
  return value;
}

function typeOf(own: unknown): string | undefined {
  if (typeof own === 'object') {
    const tag = Object.prototype.toString.call(own);
    return own === null || tag === '[object Array]' || tag === '[object Object]'
      ? undefined
      : `a value of type ${tag.slice(8, -1)}`;
  }
  return ['string', 'number', 'boolean'].includes(typeof own) ? undefined : `a value of type ${typeof own}`;
}
