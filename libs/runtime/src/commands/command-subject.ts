import type { AnyCommand } from '@maestro/contracts';
import type { CommandEnvelope } from '@maestro/ports';
import { uuidFrom } from './command-ids.ts';

/** What a command is about: the stream that it is decided on. `id`: null where it makes a run whose id nobody chose. */
export function subjectOfCommand({ command, commandId }: Pick<CommandEnvelope, 'command' | 'commandId'>): { readonly id: string | null; readonly stream: string } {
  const id = idOf(command);
  if (command.type.startsWith('workflow.')) return { id, stream: `workflow-${(id ?? '').toLowerCase()}` };
  return { id, stream: `execution-${(id ?? uuidFrom(commandId)).toLowerCase()}` };
}

function idOf({ type, payload }: AnyCommand): string | null {
  if (type === 'workflow.save-draft.v1') return typeof payload.manifest['name'] === 'string' ? payload.manifest['name'] : null;
  return 'workflowId' in payload && type !== 'execution.start.v1' ? payload.workflowId : 'executionId' in payload ? payload.executionId : null;
}
