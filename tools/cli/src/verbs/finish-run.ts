import { COSIGN_COMMAND } from '@maestro/receipt';
import type { SetConclusion } from '@maestro/receipt';
import { renderTable } from '@maestro/verify';
import { EXIT, exitCodeOfVerdict } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { exportRun } from '../receipt-set/export-run.ts';
import type { ExportedRun } from '../receipt-set/export-run.ts';
import { renderSummary } from '../report/summary.ts';
import type { RestClient } from '../rest/client.ts';
import { labelled } from '../screen.ts';
import type { Screen } from '../screen.ts';
import type { TrustFlags } from '../trust/verify-set.ts';
import { verifySet } from '../trust/verify-set.ts';
import type { VerbContext } from './verb-context.ts';

/** A run with its receipt, exported and verified. */
export type FinishedRun = { readonly exported: ExportedRun; readonly conclusion: SetConclusion; readonly exitCode: number };

/** Exports the set of an ended run and verifies what was written. A receipt that does not verify outweighs any verdict. */
export async function finishRun(
  client: RestClient,
  executionId: string,
  folder: string,
  flags: TrustFlags,
  { settings }: VerbContext,
): Promise<FinishedRun> {
  const exported = await exportRun(client, executionId, folder);
  const conclusion = await verifySet(folder, flags, settings, executionId);
  return {
    exported,
    conclusion,
    exitCode: conclusion.ok ? exitCodeOfVerdict(exported.receipt.verdict) : EXIT.receiptNotVerified,
  };
}

/** Summary, check table, and what to hand to an auditor. */
export function renderFinished({ exported, conclusion }: FinishedRun, screen: Screen): string {
  const { receipt, keyId, folder, files } = exported;
  const paint = screen.paintOut;
  const advice = conclusion.ok
    ? ''
    : `\n  no trusted key? give the signer's key, from a source that you trust:  ${PROGRAM} verify ${folder} --key <pem>`;
  return [
    renderSummary(receipt, keyId, paint),
    '',
    paint('strong', 'Receipt, verified offline from the exported files'),
    renderTable(conclusion, { color: screen.isOutColored }).trimEnd() +
      (conclusion.code === 'UNKNOWN_KEY' || conclusion.code === 'SELF_ASSERTED' ? advice : ''),
    '',
    paint('strong', 'For an auditor'),
    labelled(
      [
        ['folder', folder],
        ['files', [...files.keys()].join(', ')],
        ['stock check', `cd ${folder} && \\\n${COSIGN_COMMAND}`],
        ['full check', `${PROGRAM} verify ${folder} --key <the signer's public key, from a source that you trust>`],
      ],
      paint,
    ),
  ].join('\n');
}

/** The same for machines. */
export function finishedJson({ exported, conclusion, exitCode }: FinishedRun): object {
  const { receipt, keyId, folder, files, executionId } = exported;
  const { ok, code, results } = conclusion;
  return {
    ok: exitCode === EXIT.ok,
    exitCode,
    executionId,
    verdict: receipt.verdict,
    folder,
    files: [...files.keys()],
    keyId,
    verification: { ok, exitCode: conclusion.exitCode, code, results },
    receipt,
  };
}
