import { resolve } from 'node:path';
import type { ImportReport } from '@maestro/conductor';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { migrating, unlessInterrupted } from './export-all.ts';
import type { DeploymentFlags } from './export-all.ts';
import type { VerbContext } from './verb-context.ts';

export type ImportFlags = DeploymentFlags & { readonly from: string };

/** Gives an empty deployment the history of an export. Exit code 0: all of it was read back; processes may start. */
export async function importAll({ from, json, ...flags }: ImportFlags, context: VerbContext): Promise<number> {
  const { settings, screen } = context;
  if (flags.data === undefined && flags.config === undefined) {
    throw new CliError(EXIT.usage, 'USAGE_INVALID', 'import needs a deployment', ['give a data folder with --data DIR', 'or a cluster with --config FILE']);
  }
  // loaded late: the conductor's code is large
  const { importDeployment } = await import('@maestro/conductor');
  const report = await importDeployment({ ...(await migrating(flags, context)), from: resolve(settings.cwd, from) }).catch((error: unknown) => Promise.reject(unlessInterrupted(error, context)));
  if (json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, ...report }, null, 2));
  else for (const line of linesOf(report, flags)) screen.out(line);
  return EXIT.ok;
}

function linesOf({ events, receipts, evidence, dataKeys, deployment, createdAt, alreadyThere, isCluster, keys, keysSetAside, signingKeyId, acceptedLosses }: ImportReport, { config }: DeploymentFlags): readonly string[] {
  const next = isCluster ? `${PROGRAM} up --role <list> --config ${config ?? 'cluster.yaml'}  starts its processes, which go on with runs that were open` : `${PROGRAM} up --data ${deployment}  serves it and goes on with runs that were open`;
  return [
    `${events} events, ${receipts} receipts, ${evidence.items} pieces of evidence and ${dataKeys.live + dataKeys.destroyed} data keys of ${createdAt} are in ${deployment}, every one read back`,
    ...(alreadyThere === 0 ? [] : [`${alreadyThere} of the events were there already.`]),
    `It signs with ${signingKeyId}${isCluster ? `: give ${keys} to every host with role receipt, and registry.json and root/root.pub to those with role api` : ''}.`,
    ...(keysSetAside === null ? [] : [`Other signing keys that lay there are in ${keysSetAside}; they signed nothing here.`]),
    ...(acceptedLosses > 0 && isCluster ? [`${acceptedLosses} accepted losses of events are on record in the export. A cluster keeps no such record: receipts of later runs do not name them.`] : []),
    'Never start the deployment again that this was exported from: both would go on with its runs. Then delete the export: it holds keys.',
    `\n  next: ${next}`,
  ];
}
