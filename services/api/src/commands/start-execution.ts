import { Command } from '@nestjs/cqrs';
import type { CommandOf } from '@maestro/contracts';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import { accepted } from './accepted.ts';

export type StartedExecution = { readonly id: string; readonly position: string; readonly links: ExecutionLinks };
export type ExecutionLinks = { readonly self: string; readonly events: string; readonly receipt: string; readonly verify: string };

export type StartRequest = Omit<CommandOf<'execution.start.v1'>['payload'], 'executionId'>;

/** Start a run of a published version. */
export class StartExecution extends Command<StartedExecution> {
  readonly by: CommandIdentity;
  readonly request: StartRequest;
  constructor(by: CommandIdentity, request: StartRequest) {
    super();
    this.by = by;
    this.request = request;
  }
}

export const startExecutionHandler = commandHandler(StartExecution, ['gateway'], async ({ by, request }, { gateway }): Promise<StartedExecution> => {
  const command = { type: 'execution.start.v1', payload: { executionId: null, ...request } } as const;
  const { position, result } = accepted(await gateway.send({ ...by, command }));
  const id = String(result['executionId']);
  return { id, position, links: linksOf(id) };
});

/** Where a run is found. */
export function linksOf(id: string): ExecutionLinks {
  const self = `/api/executions/${id}`;
  return { self, events: `${self}/events`, receipt: `${self}/receipt`, verify: `${self}/verify` };
}
