import { resolve } from 'node:path';
import type { AcceptedLoss, RestoreReport } from '@maestro/conductor';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { tellProgress } from './backup.ts';
import type { VerbContext } from './verb-context.ts';

export type RestoreFlags = {
  readonly data: string;
  readonly from?: string | undefined;
  readonly acceptLoss?: boolean | undefined;
  readonly json?: boolean | undefined;
};

/** Makes a data folder of a backup, or lets one whose store lost events go on. Exit code 0: the next start serves it. */
export async function restore({ data, from, acceptLoss = false, json }: RestoreFlags, { settings, screen }: VerbContext): Promise<number> {
  const dataDir = resolve(settings.cwd, data);
  // loaded late: the conductor's code is large
  const { acceptStoreLoss, restoreBackup } = await import('@maestro/conductor');
  const now = new Date().toISOString();
  if (from === undefined) {
    if (!acceptLoss) throw new CliError(EXIT.usage, 'USAGE_INVALID', 'restore needs a backup', ['give one with --from DIR', 'or --accept-loss, to go on with the store as it is']);
    const loss = acceptStoreLoss({ dataDir, now });
    return tell({ screen }, json, { dataDir, loss }, [loss === null ? `Nothing is missing in ${dataDir}; nothing was changed.` : await lossLine(loss, dataDir)]);
  }
  const report = await restoreBackup({ from: resolve(settings.cwd, from), dataDir, acceptLoss, now, onProgress: tellProgress({ screen }) });
  return tell({ screen }, json, report, await linesOf(report));
}

async function linesOf({ dataDir, createdAt, events, receipts, loss, isCompared, setAside, configFile }: RestoreReport): Promise<readonly string[]> {
  return [
    `${events} events and ${receipts} receipts of ${createdAt} are in ${dataDir}, every one read back`,
    ...(loss === null ? [] : [await lossLine(loss, dataDir)]),
    ...(loss === null && isCompared ? ['No acknowledged event is missing.'] : []),
    ...(isCompared ? [] : ['There was no head mark to compare with: what was acknowledged after the backup is not in it.']),
    ...(setAside === null ? [] : [`What was there before lies in ${setAside}.`]),
    ...(configFile === null ? [] : [`The configuration is in ${configFile}; copy it where you start the conductor.`]),
    `\n  next: ${PROGRAM} up --data ${dataDir}  serves it and goes on with runs that were open`,
  ];
}

async function lossLine(loss: AcceptedLoss, dataDir: string): Promise<string> {
  const { describeLoss } = await import('@maestro/conductor');
  return `${describeLoss(loss)}. Recorded in ${dataDir}/accepted-losses.json; the receipts of all later runs name it.`;
}

function tell({ screen }: Pick<VerbContext, 'screen'>, json: boolean | undefined, report: object, lines: readonly string[]): number {
  if (json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, ...report }, null, 2));
  else for (const line of lines) screen.out(line);
  return EXIT.ok;
}
