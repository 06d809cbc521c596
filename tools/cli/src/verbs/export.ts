import { resolve } from 'node:path';
import { COSIGN_COMMAND } from '@maestro/receipt';
import { EXIT } from '../exit-codes.ts';
import { exportRun } from '../receipt-set/export-run.ts';
import { labelled } from '../screen.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type ExportFlags = CommonFlags & { readonly out: string };

/** Writes the receipt set of an ended run to a folder. */
export async function exportSet(executionId: string, flags: ExportFlags, context: VerbContext): Promise<number> {
  const { screen, settings } = context;
  return withConductor(flags, context, async (client) => {
    const { folder, outcome, files, receipt, keyId } = await exportRun(client, executionId, resolve(settings.cwd, flags.out));
    if (flags.json === true) {
      screen.out(
        JSON.stringify(
          { ok: true, exitCode: EXIT.ok, executionId, folder, outcome, files: [...files.keys()], keyId, verdict: receipt.verdict },
          null,
          2,
        ),
      );
      return EXIT.ok;
    }
    const done = outcome === 'kept' ? 'the folder holds this set already' : 'written';
    const rows = [
      ['run', executionId],
      ['folder', `${folder} (${done})`],
      ['files', [...files.keys()].join(', ')],
      ['signed by', keyId],
      ['stock check', `cd ${folder} && \\\n${COSIGN_COMMAND}`],
    ] as const;
    screen.out(labelled(rows, screen.paintOut));
    return EXIT.ok;
  });
}
