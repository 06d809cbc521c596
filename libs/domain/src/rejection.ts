import type { Json } from './json.ts';

/** Why a command was refused. A closed list: each has one row in docs/errors.md and one HTTP status. */
export type RejectionCode =
  | 'MANIFEST_INVALID'
  | 'INVALID_JSON_VALUE'
  | 'WORKFLOW_NOT_FOUND'
  | 'WORKFLOW_NAME_TAKEN'
  | 'WORKFLOW_NOT_PUBLISHED'
  | 'WORKFLOW_RETIRED'
  | 'VERSION_NOT_FOUND'
  | 'VERSION_CONFLICT'
  | 'PUBLISH_PENDING'
  | 'NO_CANDIDATE'
  | 'NO_EARLIER_VERSION'
  | 'ROLLBACK_TARGET_INVALID'
  | 'EXECUTION_NOT_FOUND'
  | 'EXECUTION_EXISTS'
  | 'EXECUTION_ENDED'
  | 'EXECUTION_RUNNING'
  | 'EXECUTION_NOT_RESUMABLE'
  | 'VALUES_ERASED'
  | 'PINNED_UNAVAILABLE'
  | 'TASK_NOT_OPEN'
  | 'LEASE_LOST'
  | 'CHECK_NOT_OPEN'
  | 'TIMER_NOT_OPEN'
  | 'COMMAND_INVALID'
  | 'COMMAND_ID_REUSED'
  | 'FORBIDDEN'
  | 'INPUT_TOO_LARGE'
  | 'CONFLICT_RETRIES_EXHAUSTED'
  | 'BUG';

/** A refusal is a value: what was expected, what came, what to do. `errors` lists every single problem. */
export type Rejection = {
  readonly code: RejectionCode;
  readonly detail: string;
  readonly errors?: readonly Problem[];
  readonly params?: { readonly [key: string]: Json };
};

/** One problem of a document; `pointer` is RFC 6901. */
export type Problem = { readonly pointer: string; readonly code: string; readonly message: string };

export function reject(
  code: RejectionCode,
  detail: string,
  more: { readonly errors?: readonly Problem[]; readonly params?: { readonly [key: string]: Json } } = {},
): { readonly kind: 'refused'; readonly rejection: Rejection } {
  return { kind: 'refused', rejection: { code, detail, ...more } };
}
