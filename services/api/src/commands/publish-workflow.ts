import { Command } from '@nestjs/cqrs';
import { streamName } from '@maestro/domain';
import type { Json, StreamName } from '@maestro/domain';
import type { EventStore } from '@maestro/ports';
import { awaitPublishOutcome, checkOfCommand } from '@maestro/runtime';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import { notFound, problem, unreadable } from '../problem/problem-error.ts';
import { accepted } from './accepted.ts';

export type Published = { readonly id: string; readonly version: string; readonly digest: string; readonly channel: string; readonly position: string };
/** Nobody has decided yet: the command's own link says later what became of it. */
export type PublishPending = { readonly id: string; readonly version: string; readonly digest: string; readonly checkId: string | null; readonly position: string };
export type PublishAnswer = ({ readonly kind: 'published' } & Published) | ({ readonly kind: 'pending' } & PublishPending);

/** Publish the draft as an immutable version; waits a while for policy. */
export class PublishWorkflow extends Command<PublishAnswer> {
  readonly by: CommandIdentity;
  readonly workflowId: string;
  readonly version: string | null;
  constructor(by: CommandIdentity, workflowId: string, version: string | null) {
    super();
    this.by = by;
    this.workflowId = workflowId;
    this.version = version;
  }
}

export const publishWorkflowHandler = commandHandler(
  PublishWorkflow,
  ['gateway', 'store', 'tails', 'clock', 'settings'],
  async ({ by, workflowId, version }, { gateway, store, tails, clock, settings }): Promise<PublishAnswer> => {
    const stream = streamName('workflow', workflowId);
    if (stream === undefined) throw notFound('WORKFLOW_NOT_FOUND', 'there is no such workflow');
    const command = { type: 'workflow.publish.v1', payload: { workflowId, version } } as const;
    const { position, result } = accepted(await gateway.send({ ...by, command }));
    const asked = { id: String(result['id']), version: String(result['version']), digest: String(result['digest']) };
    if (typeof result['channel'] === 'string') return { kind: 'published', ...asked, channel: result['channel'], position };
    const checkId = await checkIdOf(store, stream, by.commandId, result['checkId']);
    if (checkId === null) return { kind: 'pending', ...asked, checkId, position };
    const outcome = await awaitPublishOutcome({ store, tails, clock }, { stream, checkId, waitMs: settings.publishWaitMs });
    switch (outcome.kind) {
      case 'published':
        return { kind: 'published', ...asked, version: outcome.version, digest: outcome.digest, channel: outcome.channel, position: outcome.position };
      case 'denied':
        throw denied(outcome.version, { reason: outcome.reason, violations: outcome.violations, decisions: outcome.decisions as unknown as Json, position: outcome.position });
      case 'pending':
        return { kind: 'pending', ...asked, checkId, position };
      case 'unreadable':
        throw unreadable(outcome);
    }
  },
);

/** A repeated command is answered from what is there now, where its check may be closed: the history still names it. */
async function checkIdOf(store: EventStore, stream: StreamName, commandId: string, answered: Json | undefined): Promise<string | null> {
  return typeof answered === 'string' ? answered : checkOfCommand(store, stream, commandId);
}

function denied(version: string, members: { readonly [name: string]: Json }): Error {
  return problem('POLICY_DENIED', `policy does not let version ${version} be published; the decisions say why`, { members });
}
