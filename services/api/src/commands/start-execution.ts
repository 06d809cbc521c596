import { Command } from '@nestjs/cqrs';
import type { CommandOf } from '@maestro/contracts';
import { newExecutionId } from '@maestro/runtime';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import { accepted } from './accepted.ts';

export type StartedExecution = { readonly id: string; readonly position: string; readonly links: ExecutionLinks };
export type ExecutionLinks = { readonly self: string; readonly events: string; readonly receipt: string; readonly verify: string };

export type StartRequest = Omit<CommandOf<'execution.start.v1'>['payload'], 'executionId'>;

/** Start a run of a published version. `isKeyed`: the client may ask again under the same Idempotency-Key. */
export class StartExecution extends Command<StartedExecution> {
  readonly by: CommandIdentity;
  readonly request: StartRequest;
  readonly isKeyed: boolean;
  constructor(by: CommandIdentity, request: StartRequest, isKeyed: boolean) {
    super();
    this.by = by;
    this.request = request;
    this.isKeyed = isKeyed;
  }
}

export const startExecutionHandler = commandHandler(StartExecution, ['gateway', 'clock', 'entropy'], async ({ by, request, isKeyed }, { gateway, clock, entropy }): Promise<StartedExecution> => {
  // under a key the id derives from the command, so that a repeat finds the same run; otherwise ids follow time
  const executionId = isKeyed ? null : newExecutionId(clock, entropy);
  const command = { type: 'execution.start.v1', payload: { executionId, ...request } } as const;
  const { position, result } = accepted(await gateway.send({ ...by, command }));
  const id = String(result['executionId']);
  return { id, position, links: linksOf(id) };
});

/** Where a run is found. */
export function linksOf(id: string): ExecutionLinks {
  const self = `/api/executions/${id}`;
  return { self, events: `${self}/events`, receipt: `${self}/receipt`, verify: `${self}/verify` };
}
