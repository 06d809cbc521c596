import { Command } from '@nestjs/cqrs';
import type { CommandOf } from '@maestro/contracts';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import { accepted } from './accepted.ts';

/** `version`: the stable one from now on. */
export type Promoted = { readonly id: string; readonly version: string; readonly position: string };
/** `version` stepped back; `to`: the stable one from now on, null: the stable one stayed, a candidate was withdrawn. */
export type RolledBack = { readonly id: string; readonly version: string; readonly to: string | null; readonly position: string };

type PromoteRequest = CommandOf<'workflow.promote.v1'>['payload'];
type RollBackRequest = CommandOf<'workflow.rollback.v1'>['payload'];

/** Make the candidate the stable version. */
export class PromoteWorkflow extends Command<Promoted> {
  readonly by: CommandIdentity;
  readonly request: PromoteRequest;
  constructor(by: CommandIdentity, request: PromoteRequest) {
    super();
    this.by = by;
    this.request = request;
  }
}

/** Withdraw the candidate, or go back to an earlier stable version. */
export class RollBackWorkflow extends Command<RolledBack> {
  readonly by: CommandIdentity;
  readonly request: RollBackRequest;
  constructor(by: CommandIdentity, request: RollBackRequest) {
    super();
    this.by = by;
    this.request = request;
  }
}

export const promoteWorkflowHandler = commandHandler(PromoteWorkflow, ['gateway'], async ({ by, request }, { gateway }): Promise<Promoted> => {
  const { position, result } = accepted(await gateway.send({ ...by, command: { type: 'workflow.promote.v1', payload: request } }));
  return { id: String(result['id']), version: String(result['version']), position };
});

export const rollBackWorkflowHandler = commandHandler(RollBackWorkflow, ['gateway'], async ({ by, request }, { gateway }): Promise<RolledBack> => {
  const { position, result } = accepted(await gateway.send({ ...by, command: { type: 'workflow.rollback.v1', payload: request } }));
  const to = result['to'];
  return { id: String(result['id']), version: String(result['version']), to: typeof to === 'string' ? to : null, position };
});
