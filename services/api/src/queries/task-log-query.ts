import { Query } from '@nestjs/cqrs';
import type { ExecutionId } from '@maestro/domain';
import type { NoTaskLog, TaskLog } from '@maestro/runtime';
import { found, noExecution } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';
import { problem, rejected } from '../problem/problem-error.ts';
import type { ProblemError } from '../problem/problem-error.ts';

export class GetTaskLog extends Query<TaskLog> {
  readonly id: ExecutionId;
  readonly taskId: string;
  readonly attempt: number | null;
  constructor(id: ExecutionId, taskId: string, attempt: number | null) {
    super();
    this.id = id;
    this.taskId = taskId;
    this.attempt = attempt;
  }
}

export const taskLogQueryHandler = queryHandler(GetTaskLog, ['taskLog'], async ({ id, taskId, attempt }: GetTaskLog, { taskLog }): Promise<TaskLog> => {
  const log = found(await taskLog(id, taskId, attempt), noExecution);
  if (log.kind !== 'log') throw refusalOf(log);
  return log;
});

function refusalOf(none: Exclude<NoTaskLog, { kind: 'missing' }>): ProblemError {
  switch (none.kind) {
    case 'task-missing':
      return problem('TASK_NOT_FOUND', 'the run has no task with this id');
    case 'attempt-missing':
      return problem('LOG_NOT_FOUND', withoutLog(none));
    case 'not-ended':
      return problem('LOG_NOT_READY', 'a log is kept once its attempt has ended: ask again then', { headers: { 'Retry-After': '1' }, members: { attempt: none.attempt } });
    case 'erased':
      return rejected({ code: 'VALUES_ERASED', detail: 'the values of this run were erased, its logs among them' });
  }
}

function withoutLog({ attempt, reusedFrom }: Extract<NoTaskLog, { kind: 'attempt-missing' }>): string {
  if (reusedFrom !== null) return `the output of this task was taken over from run ${reusedFrom}: its log is there`;
  return attempt === null ? 'the task never ran' : `the task has no attempt ${attempt}`;
}
