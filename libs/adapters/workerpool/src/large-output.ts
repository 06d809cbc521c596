import type { Json } from '@maestro/domain';
import { canonicalText, findUnrepresentable } from '@maestro/receipt';
import type { TaskPackage } from '@maestro/worker';
import type { Answer, Failed } from './attempt-ending.ts';
import { failed } from './attempt-ending.ts';
import { checkOf } from './schema-check.ts';

const PROBLEMS_SHOWN_MAX = 3;

/**
 * A large output as canonical JSON, checked where the package runs: the conductor never parses it. Loaded by a child when
 * it first has one: with what it needs, a child takes twice the memory.
 */
export function largeOutput({ outputSchema }: TaskPackage, output: Json): Answer {
  const bad = findUnrepresentable(output);
  if (bad !== undefined) return unrepresentable(bad);
  const problems = checkOf(outputSchema)(output);
  return problems.length > 0 ? unfit('PACKAGE_OUTPUT_INVALID', 'output', problems) : { kind: 'large-output', bytes: Buffer.from(canonicalText(output)) };
}

/** A value that canonical JSON cannot carry. */
export function unrepresentable({ pointer, reason }: { readonly pointer: string; readonly reason: string }): Failed {
  return failed('INVALID_JSON_VALUE', `the output holds ${reason} at ${pointer === '' ? 'its root' : pointer}`, false);
}

/** A value that does not fit its schema; names places, no values. */
export function unfit(code: string, what: string, problems: readonly { readonly pointer: string; readonly message: string }[]): Failed {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map(({ pointer, message }) => `${pointer === '' ? '(root)' : pointer} ${message}`);
  return failed(code, `the ${what} does not fit the schema of the package: ${shown.join('; ')}`, false);
}
