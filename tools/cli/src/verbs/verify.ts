import type { SetConclusion } from '@maestro/receipt';
import { renderJson, renderTable } from '@maestro/verify';
import { withExportedRun } from '../receipt-set/export-run.ts';
import { verifySet } from '../trust/verify-set.ts';
import type { TrustFlags } from '../trust/verify-set.ts';
import { subjectOf } from './subject.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type VerifyFlags = CommonFlags & TrustFlags;

/** Verifies a folder offline, or the receipt of a run. The exit code is the number of the check that failed first. */
export async function verify(given: string, flags: VerifyFlags, context: VerbContext): Promise<number> {
  const { settings, screen } = context;
  const subject = await subjectOf(given, settings.cwd);
  const conclusion =
    subject.kind === 'folder'
      ? await verifySet(subject.path, flags, settings)
      : await verifyRun(subject.executionId, flags, context);
  screen.out((flags.json === true ? renderJson(conclusion) : renderTable(conclusion, { color: screen.isOutColored })).trimEnd());
  return conclusion.exitCode;
}

function verifyRun(executionId: string, flags: VerifyFlags, context: VerbContext): Promise<SetConclusion> {
  return withConductor(flags, context, (client) =>
    withExportedRun(client, executionId, (folder) => verifySet(folder, flags, context.settings, executionId)),
  );
}
