import type { RejectionCode } from '@maestro/domain';

/** Every refusal of a command has one status; a new code does not compile without one. */
export const REJECTION_STATUS: Readonly<Record<RejectionCode, number>> = {
  MANIFEST_INVALID: 400,
  INVALID_JSON_VALUE: 400,
  COMMAND_INVALID: 400,
  WORKFLOW_NOT_FOUND: 404,
  VERSION_NOT_FOUND: 404,
  EXECUTION_NOT_FOUND: 404,
  WORKFLOW_NAME_TAKEN: 409,
  // the workflow is there, its state is not what a start needs
  WORKFLOW_NOT_PUBLISHED: 409,
  WORKFLOW_RETIRED: 409,
  VERSION_CONFLICT: 409,
  PUBLISH_PENDING: 409,
  EXECUTION_EXISTS: 409,
  EXECUTION_ENDED: 409,
  EXECUTION_RUNNING: 409,
  TASK_NOT_OPEN: 409,
  LEASE_LOST: 409,
  CHECK_NOT_OPEN: 409,
  TIMER_NOT_OPEN: 409,
  INPUT_TOO_LARGE: 413,
  COMMAND_ID_REUSED: 422,
  BUG: 500,
  CONFLICT_RETRIES_EXHAUSTED: 503,
};
