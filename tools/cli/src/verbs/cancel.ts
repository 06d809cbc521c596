import { commandFor } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import { cancelRun, verdictOf } from '../rest/execution-calls.ts';
import { followRun } from './follow-run.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type CancelFlags = CommonFlags & {
  readonly reason?: string | undefined;
  readonly comment?: string | undefined;
  readonly follow?: boolean | undefined;
};

/** Asks a run to end. A run that has ended already is refused, as EXECUTION_ENDED. */
export async function cancel(executionId: string, flags: CancelFlags, context: VerbContext): Promise<number> {
  const { screen } = context;
  return withConductor(flags, context, async (client, session) => {
    const { reason = null, comment = '' } = flags;
    await cancelRun(client, executionId, { reason, comment });
    // nobody else would give the tasks their time to end
    const isFollowed = flags.follow === true || session.isOwn;
    if (isFollowed) await followRun(client, executionId, flags, context);
    const verdict = isFollowed ? await verdictOf(client, executionId) : null;
    const next = [commandFor(`status -e ${executionId}`, flags)];
    if (flags.json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, executionId, verdict, next }, null, 2));
    else {
      const what = verdict === null ? 'is being cancelled: its tasks get a signal and ten seconds' : `has ended: ${verdict}`;
      screen.out(`${screen.paintOut('good', '✓')} run ${executionId} ${what}\n\n  next: ${next.join('\n        ')}`);
    }
    return EXIT.ok;
  });
}
