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
  | { readonly kind: 'unresolved'; readonly expression: string; readonly pointer: string }
  | { readonly kind: 'too-large' };

type Unresolved = { readonly kind: 'unresolved'; readonly expression: string; readonly pointer: string };

/**
 * How many characters expressions may still put in. One short expression can name a large value, and stand a thousand
 * times: what is over the bound is never made. Counted as JSON, so about the bytes that the result will have.
 */
export type SizeBudget = { charactersLeft: number };

type Work = { readonly scope: Scope; readonly missing: Unresolved[]; readonly budget: SizeBudget };

/**
 * Replaces every expression in a value by what it refers to. A missing value is never empty text: it is named.
 * Pure: same value and scope, same result. `charactersMax`: over it the result is too large.
 */
export function resolve(value: Json, scope: Scope, charactersMax: number): Resolved {
  const work: Work = { scope, missing: [], budget: { charactersLeft: charactersMax } };
  const resolved = resolveAt(value, '', work);
  if (work.budget.charactersLeft < 0) return { kind: 'too-large' };
  return work.missing[0] ?? { kind: 'resolved', value: resolved };
}

/**
 * As `resolve`, but what is not known yet stays as it was written: for policy at the start of a run and for dry-run.
 * Once the budget is used up (below 0), so does the rest: the result then says nothing of what would run.
 */
export function resolveKnown(value: Json, scope: Scope, budget: SizeBudget): Json {
  return resolveAt(value, '', { scope, missing: [], budget });
}

function resolveAt(value: Json, pointer: string, work: Work): Json {
  if (typeof value === 'string') return resolveText(value, pointer, work);
  if (Array.isArray(value)) return value.map((item: Json, i) => resolveAt(item, `${pointer}/${i}`, work));
  if (value === null || typeof value !== 'object') return value;
  // fromEntries defines own properties: a key `__proto__` stays data
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolveAt(item as Json, `${pointer}/${escapePointer(key)}`, work)]),
  );
}

function resolveText(text: string, pointer: string, { scope, missing, budget }: Work): Json {
  const template = parseTemplate(text);
  const valueOf = (expression: Expression): Json | undefined => {
    if (budget.charactersLeft < 0) return undefined;
    const value = lookUp(expression.reference, scope);
    if (value === undefined) missing.push({ kind: 'unresolved', expression: expression.text, pointer });
    else spend(value, budget);
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
      if (parts.includes(undefined) || budget.charactersLeft < 0) return text;
      return parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('');
    }
  }
}

/** Takes the size of a value from the budget; looks at no more of it than the budget allows. */
function spend(value: Json, budget: SizeBudget): void {
  if (typeof value === 'string') budget.charactersLeft -= value.length + 2;
  else if (value === null || typeof value !== 'object') budget.charactersLeft -= String(value).length;
  else {
    for (const [key, item] of Object.entries(value)) {
      if (budget.charactersLeft < 0) return;
      budget.charactersLeft -= Array.isArray(value) ? 1 : key.length + 4;
      spend(item as Json, budget);
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
