import { resolve } from 'node:path';
import type { ExportRequest, MigrationProgress } from '@maestro/conductor';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { refuseOtherFiles } from './backup.ts';
import type { VerbContext } from './verb-context.ts';

export type DeploymentFlags = { readonly data?: string | undefined; readonly config?: string | undefined; readonly json?: boolean | undefined };
export type ExportAllFlags = DeploymentFlags & { readonly out: string };

/** Long work tells how far it is, this often. */
const PROGRESS_EVERY_MS = 2_000;

/** Writes a whole deployment to a folder, whichever engines it runs on. Exit code 0: every byte in it was proved. */
export async function exportAll({ out, json, ...flags }: ExportAllFlags, context: VerbContext): Promise<number> {
  const { settings, screen } = context;
  const folder = resolve(settings.cwd, out);
  await refuseOtherFiles(folder);
  // loaded late: the conductor's code is large
  const { createExport } = await import('@maestro/conductor');
  const report = await createExport({ ...(await migrating(flags, context)), out: folder }).catch((error: unknown) => Promise.reject(unlessInterrupted(error, context)));
  if (json === true) {
    screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, ...report }, null, 2));
    return EXIT.ok;
  }
  screen.out(`${report.events} events, ${report.receipts} receipts and ${report.evidence.items} pieces of evidence of ${report.deployment} are in ${report.folder}: ${report.fileCount} files, ${report.sizeBytes} bytes, every one proved`);
  screen.out('It holds the key that signs and the keys of every sealed value, in the clear: keep it as secret as a backup, and delete it when it is imported.');
  screen.out(`\n  next: ${PROGRAM} import --from ${report.folder} --config cluster.yaml  gives a cluster this history; --data <dir>: a data folder`);
  return EXIT.ok;
}

/** Ctrl-C ends with its own exit code; anything else passes. */
export function unlessInterrupted(error: unknown, { signal }: VerbContext): unknown {
  if (!signal.aborted || (error as { readonly code?: unknown }).code !== 'ABORTED') return error;
  return new CliError(EXIT.interrupted, 'ABORTED', (error as Error).message.replace('ABORTED: ', ''), []);
}

/** What export and import are told: the deployment that is meant, and where to say how far it is. */
export async function migrating({ data, config }: DeploymentFlags, { settings, screen, signal }: VerbContext): Promise<Omit<ExportRequest, 'out'>> {
  const { migrationConfig } = await import('@maestro/conductor');
  // whoever names a data folder means that one, also beside the configuration of a cluster
  const args = [...(data === undefined ? [] : [`--data=${data}`, '--profile=embedded']), ...(config === undefined ? [] : [`--config=${config}`])];
  const configured = migrationConfig(args, settings.environment, settings.cwd);
  if (configured.kind === 'faults') throw new CliError(EXIT.usage, 'CONFIG_INVALID', configured.faults.join('; '));
  const log = { log: (level: string, message: string, fields: object = {}) => void (level === 'debug' || level === 'info' || screen.note(screen.paintNote('faint', `${message} ${JSON.stringify(fields)}`))) };
  return { config: configured.config, now: new Date().toISOString(), onProgress: tellProgress({ screen }), log, signal };
}

function tellProgress({ screen }: Pick<VerbContext, 'screen'>): MigrationProgress {
  let toldMs = performance.now();
  return (doing, done, total) => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    screen.note(screen.paintNote('faint', `${doing}: ${done}${total === null ? '' : ` of ${total}`} …`));
  };
}
