import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { clusterStatus, startCluster, stopCluster } from '../cluster/local-cluster.ts';
import type { MemberStatus } from '../cluster/local-cluster.ts';
import { DEFAULT_SCALE } from '../cluster/plan-roles.ts';
import type { Scale } from '../cluster/plan-roles.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { enrolConductor } from '../trust/enrol.ts';
import type { VerbContext } from './verb-context.ts';

export type ClusterFlags = { readonly folder: string; readonly store?: string | undefined; readonly scale?: string | undefined; readonly delete?: boolean | undefined; readonly roles?: boolean | undefined; readonly json?: boolean | undefined };

/** Starts a local cluster, or what of it does not run; it goes on when this command has ended. */
export async function clusterUp({ folder, store = 'eventstoredb', scale, json }: ClusterFlags, { settings, screen }: VerbContext): Promise<number> {
  const place = resolve(settings.cwd, folder);
  const tell = (line: string): void => screen.note(screen.paintNote('faint', line));
  await startCluster({ folder: place, scale: scaleOf(scale), store: store === 'jetstream' ? 'jetstream' : 'eventstoredb', workspace: settings.cwd, environment: settings.environment, tell });
  await enrolConductor(place, settings.trustStorePath, screen);
  const members = (await clusterStatus(place)) ?? [];
  if (json === true) return printStatus(members, place, { screen }, true);
  const api = members.filter(({ name }) => name.startsWith('api-')).map(({ url }) => url);
  screen.out(`${screen.paintOut('good', '✓')} ${members.length} processes run, in ${place}`);
  screen.out(`\n  next: ${PROGRAM} run -m examples/hello.yaml --url ${api[0] ?? ''}\n        ${PROGRAM} cluster status\n        ${PROGRAM} cluster down`);
  return EXIT.ok;
}

/** Exit code 6 where any process does not run, or is not ready. */
export async function clusterShow({ folder, json }: ClusterFlags, { settings, screen }: VerbContext): Promise<number> {
  const place = resolve(settings.cwd, folder);
  const members = await clusterStatus(place);
  if (members === undefined) throw new CliError(EXIT.usage, 'CLUSTER_MISSING', `no cluster was started in ${place}`, [`${PROGRAM} cluster up`]);
  return printStatus(members, place, { screen }, json === true);
}

/** Ends every process of the cluster. Idempotent. */
export async function clusterDown({ folder, delete: isDeleted = false, roles = false, json }: ClusterFlags, { settings, screen }: VerbContext): Promise<number> {
  if (isDeleted && roles) throw new CliError(EXIT.usage, 'USAGE_INVALID', '--delete and --roles: servers that go on need their data', ['choose one']);
  const place = resolve(settings.cwd, folder);
  const ended = await stopCluster(place, { isDeleted, kinds: roles ? ['role'] : ['role', 'server'], tell: (line) => screen.note(screen.paintNote('faint', line)) });
  if (json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, folder: place, ended, isDeleted }));
  else screen.out(`${ended} processes ended; ${isDeleted ? `${place} is deleted` : roles ? 'its servers go on' : `their data stays in ${place}`}`);
  return EXIT.ok;
}

function printStatus(members: readonly MemberStatus[], folder: string, { screen }: Pick<VerbContext, 'screen'>, isJson: boolean): number {
  const isWhole = members.every(({ isReady }) => isReady);
  const exitCode = isWhole ? EXIT.ok : EXIT.noConductor;
  if (isJson) {
    screen.out(JSON.stringify({ ok: isWhole, exitCode, folder, members }, null, 2));
    return exitCode;
  }
  const width = Math.max(...members.map(({ name }) => name.length)) + 2;
  for (const { name, pid, isAlive, isReady, url } of members) {
    const state = !isAlive ? screen.paintOut('bad', 'gone') : isReady ? screen.paintOut('good', 'ready') : screen.paintOut('bad', 'not ready');
    screen.out(`${name.padEnd(width)}${String(pid).padEnd(9)}${state}  ${url ?? ''}`);
  }
  return exitCode;
}

/** `api=1,runner=8`: those that are not named keep their number. */
function scaleOf(text: string | undefined): Scale {
  const scale = { ...DEFAULT_SCALE };
  for (const part of text?.split(',') ?? []) {
    const [role = '', count = ''] = part.split('=');
    if (!Object.hasOwn(DEFAULT_SCALE, role) || !/^([1-9]|[1-5]\d)$/.test(count)) {
      throw new CliError(EXIT.usage, 'USAGE_INVALID', `--scale ${part}: expected role=number, such as runner=8; roles are ${Object.keys(DEFAULT_SCALE).join(', ')}, 1 to 59 of each`);
    }
    scale[role] = Number(count);
  }
  return scale;
}
