/** Shape of the codes that a package may raise; the closed list of a package belongs in its description or docs. */
export const TASK_ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * An expected failure of a task. The attempt fails with this `code`; `retryable` (default false) says whether another
 * attempt with the same input may succeed. `message` says what was expected, what came and what to do; it must hold
 * no secret and no value of the user.
 */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, o: { readonly retryable?: boolean; readonly cause?: unknown } = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.retryable = o.retryable ?? false;
  }
}

/** By shape, so that it holds across module copies and realms, where `instanceof` does not. */
export function isTaskError(error: unknown): error is TaskError {
  try {
    const { name, code, message, retryable } = error as Partial<TaskError>;
    return name === 'TaskError' && typeof code === 'string' && typeof message === 'string' && typeof retryable === 'boolean';
  } catch {
    return false; // null, undefined, or a getter that throws
  }
}
