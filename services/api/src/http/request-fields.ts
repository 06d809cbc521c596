import type { Json, JsonObject, Problem } from '@maestro/domain';
import { escapePointer } from '@maestro/domain';
import { problem } from '../problem/problem-error.ts';
import { ParsedBody } from './parsed-body.ts';

/** Reads one field; throws a string that says what was expected. Undefined: the field was not given. */
export type Reader<T> = (given: unknown) => T;

export type Fields<T> = { readonly [K in keyof T]: Reader<T[K]> };

/**
 * Reads a closed object: every field by its reader, unknown fields refused, all problems together (REQUEST_INVALID).
 * `where` is `body` or `query`; pointers are within it.
 */
export function readFields<T extends object>(given: unknown, fields: Fields<T>, where: 'body' | 'query'): T {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) throw problem('REQUEST_INVALID', `the ${where} must be an object`);
  const source = given as { readonly [name: string]: unknown };
  const problems: Problem[] = Object.keys(source)
    .filter((name) => !Object.hasOwn(fields, name))
    .map((name) => ({ pointer: `/${escapePointer(name)}`, code: 'UNKNOWN_FIELD', message: `unknown field; known are ${Object.keys(fields).join(', ')}` }));
  const read: [string, unknown][] = [];
  for (const [name, reader] of Object.entries<Reader<unknown>>(fields as { readonly [name: string]: Reader<unknown> })) {
    try {
      read.push([name, reader(Object.hasOwn(source, name) ? source[name] : undefined)]);
    } catch (error) {
      if (typeof error !== 'string') throw error;
      problems.push({ pointer: `/${name}`, code: 'FIELD_INVALID', message: error });
    }
  }
  if (problems.length > 0) throw problem('REQUEST_INVALID', `the ${where} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`, { errors: problems });
  return Object.fromEntries(read) as T;
}

/** The value of a body; `optional`: an empty one counts as `{}`. */
export function bodyValue(body: unknown, o: { readonly optional?: boolean } = {}): unknown {
  if (body instanceof ParsedBody) return body.value;
  if (body !== undefined && body !== null) throw problem('UNSUPPORTED_MEDIA_TYPE', 'send application/json or application/yaml, and say so in Content-Type');
  if (o.optional === true) return {};
  throw problem('BODY_REQUIRED', 'send a body as application/json or application/yaml');
}

export function text(expected: string, pattern: RegExp): Reader<string> {
  return (given) => {
    if (typeof given === 'string' && pattern.test(given)) return given;
    throw `expected ${expected}`;
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Reader<T> {
  return (given) => {
    const found = values.find((value) => value === given);
    if (found !== undefined) return found;
    throw `expected one of ${values.join(', ')}`;
  };
}

/** A whole number in decimal, as query strings carry it. */
export function wholeNumber(min: number, max: number): Reader<number> {
  return (given) => {
    const value = typeof given === 'string' && /^\d{1,16}$/.test(given) ? Number(given) : NaN;
    if (value >= min && value <= max) return value;
    throw `expected a whole number from ${min} to ${max}`;
  };
}

export const jsonObject: Reader<JsonObject> = (given) => {
  if (given !== null && typeof given === 'object' && !Array.isArray(given)) return given as { readonly [key: string]: Json };
  throw 'expected an object';
};

/** Free words of whoever asks: public, kept in the history. */
export const comment = text('at most 1024 characters', /^.{0,1024}$/su);

/** Not given (or null) → the fallback. */
export function optional<T, F>(reader: Reader<T>, fallback: F): Reader<T | F> {
  return (given) => (given === undefined || given === null ? fallback : reader(given));
}
