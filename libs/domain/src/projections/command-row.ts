import type { Json } from '../json.ts';
import type { Recorded } from '../decider.ts';

/** What became of one accepted command that a client sent. */
export type CommandRow = {
  /** command id */
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly at: string;
  readonly actor: string;
  readonly result: { readonly [key: string]: Json };
};

/** The row that an event makes; undefined for events that follow from inside. The same event makes the same row. */
export function commandRowOf(recorded: Recorded): CommandRow | undefined {
  const { event, commandId: id, stream, revision, at, actor } = recorded;
  const row = (type: string, result: CommandRow['result']): CommandRow => ({ id, type, stream, revision, at, actor, result });
  switch (event.type) {
    case 'workflow.draft-saved.v1':
      return row('workflow.save-draft.v1', versionOf(event.data));
    case 'workflow.publish-requested.v1':
      return row('workflow.publish.v1', { ...versionOf(event.data), checkId: event.data.checkId });
    case 'workflow.promoted.v1':
      return row('workflow.promote.v1', { id: event.data.workflowId, version: event.data.version });
    case 'workflow.rolled-back.v1':
      return row('workflow.rollback.v1', { id: event.data.workflowId, version: event.data.version, to: event.data.to });
    case 'execution.requested.v1':
      return event.data.resumedFrom === null
        ? row('execution.start.v1', { executionId: event.data.executionId })
        : row('execution.resume.v1', { executionId: event.data.executionId, resumedFrom: event.data.resumedFrom.executionId });
    case 'execution.cancel-requested.v1':
      return row('execution.cancel.v1', { executionId: stream.slice('execution-'.length) });
    default:
      return undefined;
  }
}

function versionOf({ workflowId, version, manifestDigest }: { readonly workflowId: string; readonly version: string; readonly manifestDigest: string }): CommandRow['result'] {
  return { id: workflowId, version, digest: `sha256:${manifestDigest}` };
}
