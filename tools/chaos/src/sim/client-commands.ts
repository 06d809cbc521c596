import type { AnyCommand, CommandOf, ManifestV1 } from '@maestro/contracts';
import type { JsonObject } from '@maestro/domain';
import type { CommandEnvelope } from '@maestro/ports';
import { clientCommandId } from '@maestro/runtime';
import { TENANT } from './simulated-process.ts';

type Task = ManifestV1['tasks'][number];

/** A command as the edge makes it of a request: the same actor and key are the same command. */
export function envelopeOf(command: AnyCommand, actor: string, key: string): CommandEnvelope {
  const commandId = clientCommandId(TENANT, actor, command.type, key);
  return { command, commandId, tenant: TENANT, actor, correlationId: commandId, causationId: null };
}

export function saveDraft(manifest: ManifestV1): AnyCommand {
  return { type: 'workflow.save-draft.v1', payload: { manifest: manifest as unknown as JsonObject } } as AnyCommand;
}

export function publish(workflowId: string, version: string): AnyCommand {
  return { type: 'workflow.publish.v1', payload: { workflowId, version } };
}

export function start(workflowId: string, more: Partial<CommandOf<'execution.start.v1'>['payload']>): AnyCommand {
  return { type: 'execution.start.v1', payload: { executionId: null, workflowId, version: null, inputs: {}, rollout: null, region: null, ...more } };
}

export function cancel(executionId: string): AnyCommand {
  return { type: 'execution.cancel.v1', payload: { executionId, reason: null, comment: 'as the seed wants it' } };
}

export function resume(executionId: string): AnyCommand {
  return { type: 'execution.resume.v1', payload: { executionId } };
}

export function promote(workflowId: string): AnyCommand {
  return { type: 'workflow.promote.v1', payload: { workflowId, comment: 'as the seed wants it' } };
}

export function rollBack(workflowId: string): AnyCommand {
  return { type: 'workflow.rollback.v1', payload: { workflowId, to: null, comment: 'as the seed wants it' } };
}

export function manifestOf(name: string, version: string, tasks: readonly Task[]): ManifestV1 {
  return { name, version, inputs: { n: 0 }, tasks: tasks as ManifestV1['tasks'] };
}
