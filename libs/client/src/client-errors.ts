import type { ProblemV1Message } from '@maestro/contracts';

/** The conductor refused: `problem` is its document, the same as over REST. Sending it again ends the same way. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;
  readonly problem: ProblemV1Message;
  constructor(problem: ProblemV1Message) {
    const errors = (problem.errors ?? []).slice(0, 3).map(({ pointer, message }) => `${pointer || '/'}: ${message}`);
    super([`${problem.code}: ${problem.detail}`, ...errors].join('; '));
    this.code = problem.code;
    this.problem = problem;
  }
}

/** Nobody answered in time: the command may have been carried out. Send it again under the same `commandId`. */
export class UnansweredError extends Error {
  override readonly name = 'UnansweredError';
  readonly commandId: string;
  constructor(commandId: string, withinMs: number, cause: unknown) {
    super(`no answer to ${commandId} within ${withinMs} ms: send it again under the same commandId`, { cause });
    this.commandId = commandId;
  }
}
