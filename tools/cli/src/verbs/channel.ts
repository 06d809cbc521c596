import { commandFor } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import { promoteWorkflow, rollBackWorkflow } from '../rest/workflow-calls.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type PromoteFlags = CommonFlags & { readonly workflow: string; readonly comment?: string | undefined };
export type RollbackFlags = PromoteFlags & { readonly to?: string | undefined };

/** Makes the candidate of a workflow its stable version. */
export async function promote(flags: PromoteFlags, context: VerbContext): Promise<number> {
  const { screen } = context;
  return withConductor(flags, context, async (client) => {
    const { id, version } = await promoteWorkflow(client, flags.workflow, { comment: flags.comment ?? '' });
    const next = [commandFor(`run -w ${id}`, flags), commandFor(`rollback -w ${id}`, flags)];
    if (flags.json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, workflow: { id, version }, next }, null, 2));
    else screen.out(`${screen.paintOut('good', '✓')} ${id} ${version} is the stable version now\n\n  next: ${next.join('\n        ')}`);
    return EXIT.ok;
  });
}

/** Withdraws the candidate of a workflow, or goes back to an earlier stable version. */
export async function rollback(flags: RollbackFlags, context: VerbContext): Promise<number> {
  const { screen } = context;
  return withConductor(flags, context, async (client) => {
    const { id, version, to } = await rollBackWorkflow(client, flags.workflow, { to: flags.to ?? null, comment: flags.comment ?? '' });
    const next = [commandFor(`run -w ${id}`, flags)];
    if (flags.json === true) {
      screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, workflow: { id, version, to }, next }, null, 2));
      return EXIT.ok;
    }
    const what = to === null ? `the candidate ${version} is withdrawn; the stable version stays` : `${version} stepped back; ${to} is the stable version now`;
    screen.out(`${screen.paintOut('good', '✓')} ${id}: ${what}\n\n  next: ${next.join('\n        ')}`);
    return EXIT.ok;
  });
}
