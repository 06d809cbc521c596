import { Command } from '@nestjs/cqrs';
import type { CommandOf } from '@maestro/contracts';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import { accepted } from './accepted.ts';
import { linksOf } from './start-execution.ts';
import type { StartedExecution } from './start-execution.ts';

export type CancelRequest = CommandOf<'execution.cancel.v1'>['payload'];

/** Ask a run to end: tasks get a signal, then a grace period. The answer says that it was asked, not that it has ended. */
export class CancelExecution extends Command<StartedExecution> {
  readonly by: CommandIdentity;
  readonly request: CancelRequest;
  constructor(by: CommandIdentity, request: CancelRequest) {
    super();
    this.by = by;
    this.request = request;
  }
}

/** Run again what did not succeed in a run that ended. The answer names the new run. */
export class ResumeExecution extends Command<StartedExecution> {
  readonly by: CommandIdentity;
  readonly executionId: string;
  constructor(by: CommandIdentity, executionId: string) {
    super();
    this.by = by;
    this.executionId = executionId;
  }
}

export const cancelExecutionHandler = commandHandler(CancelExecution, ['gateway'], async ({ by, request }, { gateway }): Promise<StartedExecution> => {
  const command = { type: 'execution.cancel.v1', payload: request } as const;
  const { position } = accepted(await gateway.send({ ...by, command }));
  return { id: request.executionId, position, links: linksOf(request.executionId) };
});

export const resumeExecutionHandler = commandHandler(ResumeExecution, ['gateway'], async ({ by, executionId }, { gateway }): Promise<StartedExecution> => {
  const command = { type: 'execution.resume.v1', payload: { executionId } } as const;
  const { position, result } = accepted(await gateway.send({ ...by, command }));
  const id = String(result['executionId']);
  return { id, position, links: linksOf(id) };
});
