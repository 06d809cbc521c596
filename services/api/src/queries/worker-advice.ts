import { Query } from '@nestjs/cqrs';
import type { ExecutionId } from '@maestro/domain';
import { readExecution } from '@maestro/runtime';
import { found, noExecution } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';

/** `cancel`: nobody waits for this attempt any more. */
export type WorkerAdvice = { readonly advice: 'continue' | 'cancel' };

/** A worker that is at work on an attempt asks whether it is still wanted. Appends nothing. */
export class AdviseWorker extends Query<WorkerAdvice> {
  readonly id: ExecutionId;
  readonly taskId: string;
  readonly attempt: number;
  constructor(id: ExecutionId, taskId: string, attempt: number) {
    super();
    this.id = id;
    this.taskId = taskId;
    this.attempt = attempt;
  }
}

export const adviseWorkerHandler = queryHandler(AdviseWorker, ['store'], async ({ id, taskId, attempt }: AdviseWorker, { store }): Promise<WorkerAdvice> => {
  const { phase, tasks } = found(await readExecution(store, id), noExecution);
  const task = tasks.find((each) => each.id === taskId);
  const isOpen = task?.attempt === attempt && (task.phase === 'scheduled' || task.phase === 'started');
  return { advice: isOpen && phase !== 'cancelling' && phase !== 'timing-out' ? 'continue' : 'cancel' };
});
