import { resumeRun } from '../rest/execution-calls.ts';
import { startedRun } from './follow-run.ts';
import type { FollowFlags } from './follow-run.ts';
import { withConductor } from './verb-context.ts';
import type { VerbContext } from './verb-context.ts';

/** Starts a new run that goes on from one that ended badly; outputs of its tasks that succeeded are taken over. */
export async function resume(executionId: string, flags: FollowFlags, context: VerbContext): Promise<number> {
  return withConductor(flags, context, async (client, session) => {
    const ended = await startedRun(client, session, await resumeRun(client, executionId), flags, context);
    return typeof ended === 'number' ? ended : ended.exitCode;
  });
}
