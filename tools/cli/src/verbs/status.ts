import { commandFor } from '../conductor/session.ts';
import { EXIT, exitCodeOfVerdict } from '../exit-codes.ts';
import { collectSet } from '../receipt-set/collect-set.ts';
import { renderSummary } from '../report/summary.ts';
import { followRun } from './follow-run.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type StatusFlags = CommonFlags & { readonly execution: string };

/** Follows a run to its end, then shows its receipt; the exit code says how it ended. */
export async function status(flags: StatusFlags, context: VerbContext): Promise<number> {
  const { screen } = context;
  const path = `/api/executions/${encodeURIComponent(flags.execution)}`;
  return withConductor(flags, context, async (client) => {
    const { verdict } = await client.json<{ readonly verdict: string | null }>({ path });
    if (verdict === null) await followRun(client, flags.execution, flags, context);
    const { receipt, keyId } = await collectSet(client, flags.execution);
    const exitCode = exitCodeOfVerdict(receipt.verdict);
    if (flags.json === true)
      screen.out(
        JSON.stringify(
          { ok: exitCode === EXIT.ok, exitCode, executionId: flags.execution, verdict: receipt.verdict, keyId, receipt },
          null,
          2,
        ),
      );
    else
      screen.out(
        `${renderSummary(receipt, keyId, screen.paintOut)}\n\n  next: ${commandFor(`verify ${flags.execution}`, flags)}`,
      );
    return exitCode;
  });
}
