/** What every task of a child shares, by name. Changing one changes it for the host and for the next task. */
const SHARED: readonly object[] = [
  globalThis,
  ...[JSON, Math, Reflect, Object, Function, Array, String, Number, Boolean, Symbol, Date, RegExp, Error, Promise],
  ...[Map, Set, WeakMap, ArrayBuffer, Uint8Array, Buffer, TextDecoder, TextEncoder, URL, AbortSignal, AbortController],
  ...[Object, Function, Array, String, Number, Boolean, Symbol, Date, RegExp, Error, Promise, Map, Set, Uint8Array, Buffer].map((each) => each.prototype as object),
];
const { ownKeys, getOwnPropertyDescriptor } = Reflect;
const { is } = Object; // NaN is among the values

/**
 * Notes the built-in objects as they are now; the answer tells whether they are still so: nothing was replaced or deleted, and
 * no prototype or constructor has more than it had. A global that was added is left alone: libraries do that at their first use.
 */
export function watchIntrinsics(): () => boolean {
  const before = SHARED.map((shared) => ({ shared, keys: ownKeys(shared), values: ownKeys(shared).map((key) => essence(shared, key)) }));
  return () =>
    before.every(
      ({ shared, keys, values }) =>
        (shared === globalThis || ownKeys(shared).length === keys.length) && keys.every((key, i) => is(essence(shared, key), values[i])),
    );
}

// The platform replaces its lazy globals (an accessor) by their value at their first use: only what was a value must stay.
function essence(of: object, key: PropertyKey): unknown {
  const found = getOwnPropertyDescriptor(of, key);
  if (found === undefined) return MISSING;
  if (of === globalThis && (found.get !== undefined || !isFixed(key))) return ACCESSOR;
  return found.get ?? found.value;
}

const MISSING = Symbol('missing');
const ACCESSOR = Symbol('accessor');
/** Globals that were accessors when this module was read. */
const LAZY = new Set(ownKeys(globalThis).filter((key) => getOwnPropertyDescriptor(globalThis, key)?.get !== undefined));
function isFixed(key: PropertyKey): boolean {
  return !LAZY.has(key as string | symbol);
}
