import { parseExecutionId } from '@maestro/domain';
import type { ExecutionId } from '@maestro/domain';
import type { Unreadable } from '@maestro/runtime';
import { notFound, unreadable } from '../problem/problem-error.ts';
import type { ProblemError } from '../problem/problem-error.ts';

type Result = { readonly kind: string };

/** A result that is there; what is missing or cannot be read is thrown as a problem. */
export function found<R extends Result>(result: R | Unreadable | { readonly kind: 'missing' }, missing: () => ProblemError): Exclude<R, { kind: 'missing' | 'unreadable' }> {
  if (result.kind === 'missing') throw missing();
  if (result.kind === 'unreadable') throw unreadable(result as Unreadable);
  return result as Exclude<R, { kind: 'missing' | 'unreadable' }>;
}

export function noWorkflow(id: string): ProblemError {
  return notFound('WORKFLOW_NOT_FOUND', `there is no workflow ${id.slice(0, 64)}`);
}

export function noExecution(): ProblemError {
  return notFound('EXECUTION_NOT_FOUND', 'there is no run with this id');
}

/** The id of a run out of a path; anything that cannot be one names no run. */
export function executionIdOf(text: string): ExecutionId {
  const id = parseExecutionId(text);
  if (id === undefined) throw noExecution();
  return id;
}
