import type { Json, JsonObject } from '@maestro/domain';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';

const PROBLEMS_MAX = 100;
/** speak of keys and counts: a literal object has the keys that it has, whatever its expressions become */
const ABOUT_SHAPE: readonly string[] = [
  'required',
  'additionalProperties',
  'dependentRequired',
  'minProperties',
  'maxProperties',
  'minItems',
  'maxItems',
];
const ABOUT_BRANCHES: readonly string[] = ['oneOf', 'anyOf', 'if', 'not'];

/** `pointer` is RFC 6901 into the value; messages name no values. */
export type Problem = { readonly pointer: string; readonly message: string };
/** Empty: it fits. At most 100 problems. `partial`: strings with `${{` may become anything. */
export type Check = (value: Json, o?: { readonly partial?: boolean }) => readonly Problem[];

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
ajvFormats.default(ajv);
ajv.addKeyword('x-public');

/** A check against a JSON Schema 2020-12; compiled at its first use, then kept. */
export function checkOf(schema: JsonObject): Check {
  let compiled: ValidateFunction | undefined;
  return (value, o) => {
    compiled ??= ajv.compile(schema);
    if (compiled(value)) return [];
    const errors = compiled.errors ?? [];
    const real = o?.partial === true ? certain(errors, value) : errors;
    return real.slice(0, PROBLEMS_MAX).map(problemOf);
  };
}

function problemOf({ instancePath, keyword, message, params }: ErrorObject): Problem {
  const unknownKey = (params as { additionalProperty?: unknown }).additionalProperty;
  const text =
    keyword === 'additionalProperties' ? `must not have the property "${String(unknownKey)}"` : (message ?? keyword);
  return { pointer: instancePath, message: text };
}

/** The errors that no resolving of expressions can mend. */
function certain(errors: readonly ErrorObject[], value: Json): readonly ErrorObject[] {
  const open = errors.filter((error) => mayMend(error, value));
  const sure = errors.filter((error) => !open.includes(error));
  // A choice is as open as the openest of its branches.
  return sure.filter(
    (error) =>
      !ABOUT_BRANCHES.includes(error.keyword) || !open.some((branch) => branch.schemaPath.startsWith(`${error.schemaPath}/`)),
  );
}

function mayMend(error: ErrorObject, value: Json): boolean {
  // Below `then` and `else`, even a key is asked for only because of a value that may still change.
  const isSure = ABOUT_SHAPE.includes(error.keyword) && !/\/(then|else)\//.test(error.schemaPath);
  return !isSure && holdsExpression(at(value, error.instancePath));
}

function at(value: Json, pointer: string): Json | undefined {
  let place: Json | undefined = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    place = (place as Record<string, Json | undefined>)[key];
  }
  return place;
}

function holdsExpression(value: Json | undefined): boolean {
  if (typeof value === 'string') return value.includes('${{');
  return typeof value === 'object' && value !== null && Object.values(value).some((part) => holdsExpression(part as Json));
}
