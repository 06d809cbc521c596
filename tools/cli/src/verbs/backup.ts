import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import type { VerbContext } from './verb-context.ts';

export type BackupFlags = {
  readonly out: string;
  readonly data?: string | undefined;
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
};

/** A long copy tells how far it is, this often. */
const PROGRESS_EVERY_MS = 2_000;

/** Copies a data folder into a new one. Exit code 0: all that events name is in it, and was read back. */
export async function backup({ out, data, config, json }: BackupFlags, { settings, screen }: VerbContext): Promise<number> {
  const folder = resolve(settings.cwd, out);
  await refuseOtherFiles(folder);
  // loaded late: the conductor's code is large
  const { createBackup } = await import('@maestro/conductor');
  const args = [...(data === undefined ? [] : [`--data=${data}`]), ...(config === undefined ? [] : [`--config=${config}`])];
  const report = await createBackup({ args, environment: settings.environment, cwd: settings.cwd, out: folder, now: new Date().toISOString(), onProgress: tellProgress({ screen }) });
  if (json === true) {
    screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, ...report }, null, 2));
    return EXIT.ok;
  }
  screen.out(`${report.store.position} events and ${report.receipts} receipts of ${report.dataDir} are in ${report.folder}: ${report.fileCount} files, ${report.sizeBytes} bytes, all read back`);
  screen.out('It holds keys: keep it as secret as the data folder, and delete it within 30 days.');
  screen.out(`\n  next: ${PROGRAM} restore --from ${report.folder} --data <dir>  makes a data folder of it`);
  return EXIT.ok;
}

/** Tells of events that were looked at, now and then. */
export function tellProgress({ screen }: Pick<VerbContext, 'screen'>): (done: number, total: number) => void {
  let toldMs = performance.now();
  return (done, total) => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    screen.note(screen.paintNote('faint', `${done} of ${total} events read back …`));
  };
}

/** CliErrors: NOT_A_FOLDER, FOLDER_NOT_EMPTY. */
export async function refuseOtherFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: { readonly code?: unknown }) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') throw new CliError(EXIT.usage, 'NOT_A_FOLDER', `${folder} is a file`, ['choose a new folder with --out DIR']);
    throw error;
  });
  if (names.length > 0) throw new CliError(EXIT.usage, 'FOLDER_NOT_EMPTY', `${folder} holds other files; nothing is overwritten`, ['choose a new folder with --out DIR']);
}
