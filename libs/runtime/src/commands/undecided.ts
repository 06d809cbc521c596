import type { Rejection } from '@maestro/domain';

/** The command was answered but not decided on: it may be accepted later, so its sender does not forget it. */
export function isUndecided({ code }: Rejection): boolean {
  return code === 'CONFLICT_RETRIES_EXHAUSTED' || code === 'BUG';
}

/** An inside command that was not decided on. */
export class UndecidedError extends Error {
  /** false: it met a bug, and meets it again until something else changes */
  readonly willPass: boolean;
  constructor({ code, detail }: Rejection) {
    super(`${code}: ${detail}`);
    this.willPass = code === 'CONFLICT_RETRIES_EXHAUSTED';
  }
}
