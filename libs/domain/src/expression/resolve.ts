import type { Json } from '../json.ts';
import { escapePointer } from '../pointer.ts';
import { parseTemplate } from './template.ts';
import type { Expression, Reference } from './template.ts';

/** What expressions of one attempt can see. `outputs` holds the tasks that its arguments read. */
export type Scope = {
  readonly inputs: Json;
  readonly outputs: ReadonlyMap<string, Json>;
  readonly run: { readonly id: string; readonly attempt: number; readonly conductorUrl: string | null };
  readonly workflow: { readonly version: string };
};

export type Resolved =
  | { readonly kind: 'resolved'; readonly value: Json }
  | { readonly kind: 'unresolved'; readonly expression: string; readonly pointer: string };

type Unresolved = { readonly kind: 'unresolved'; readonly expression: string; readonly pointer: string };

/**
 * Replaces every expression in a value by what it refers to. A missing value is never empty text: it is named.
 * Pure: same value and scope, same result.
 */
export function resolve(value: Json, scope: Scope): Resolved {
  const missing: Unresolved[] = [];
  const resolved = resolveAt(value, '', scope, missing);
  return missing[0] ?? { kind: 'resolved', value: resolved };
}

/**
 * As `resolve`, but what is not known yet stays as it was written: for policy at the start of a run and for dry-run.
 */
export function resolveKnown(value: Json, scope: Scope): Json {
  return resolveAt(value, '', scope, []);
}

function resolveAt(value: Json, pointer: string, scope: Scope, missing: Unresolved[]): Json {
  if (typeof value === 'string') return resolveText(value, pointer, scope, missing);
  if (Array.isArray(value)) return value.map((item: Json, i) => resolveAt(item, `${pointer}/${i}`, scope, missing));
  if (value === null || typeof value !== 'object') return value;
  // fromEntries defines own properties: a key `__proto__` stays data
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolveAt(item as Json, `${pointer}/${escapePointer(key)}`, scope, missing)]),
  );
}

function resolveText(text: string, pointer: string, scope: Scope, missing: Unresolved[]): Json {
  const template = parseTemplate(text);
  const valueOf = (expression: Expression): Json | undefined => {
    const value = lookUp(expression.reference, scope);
    if (value === undefined) missing.push({ kind: 'unresolved', expression: expression.text, pointer });
    return value;
  };
  switch (template.kind) {
    case 'literal':
      return text;
    case 'invalid':
      missing.push({ kind: 'unresolved', expression: template.text, pointer });
      return text;
    case 'whole':
      return orElse(valueOf(template.expression), text);
    case 'mixed': {
      const parts = template.parts.map((part) => (typeof part === 'string' ? part : valueOf(part)));
      return parts.includes(undefined) ? text : parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('');
    }
  }
}

function lookUp(reference: Reference, scope: Scope): Json | undefined {
  switch (reference.root) {
    case 'inputs':
      return walk(scope.inputs, reference.path);
    case 'output': {
      const output = scope.outputs.get(reference.taskId);
      return output === undefined ? undefined : walk(output, reference.path);
    }
    case 'status':
      return 'succeeded'; // a task runs only after all that it needs succeeded, and refers to nothing else
    case 'run':
      return scope.run[reference.field] ?? undefined;
    case 'workflow':
      return scope.workflow.version;
  }
}

function walk(value: Json, path: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const segment of path) {
    // own keys and indexes only: neither what is inherited nor the length of a list is part of the value
    if (at === null || typeof at !== 'object' || !Object.prototype.propertyIsEnumerable.call(at, segment)) return undefined;
    at = (at as { readonly [key: string]: Json })[segment];
  }
  return at;
}

// not `??`: null is a value
function orElse(value: Json | undefined, fallback: Json): Json {
  return value === undefined ? fallback : value;
}
