import { join, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { startConductor } from '../conductor/child.ts';
import type { ConductorChild } from '../conductor/child.ts';
import { findConductor } from '../conductor/presence.ts';
import { commandFor, resolveDataDir } from '../conductor/session.ts';
import { tokenIn } from '../conductor/token.ts';
import { configuredDataDir } from '../config-file.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM, releaseVersion } from '../install-paths.ts';
import { labelled } from '../screen.ts';
import { enrolConductor } from '../trust/enrol.ts';
import type { VerbContext } from './verb-context.ts';

export type UpFlags = {
  readonly port?: number | undefined;
  readonly data?: string | undefined;
  readonly workspace?: string | undefined;
  readonly config?: string | undefined;
  readonly auth?: string | undefined;
  readonly host?: string | undefined;
  readonly allowHost?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  /** roles of one process of a cluster, instead of a data folder */
  readonly role?: readonly string[] | undefined;
};

/** Serves a data folder in the foreground until it is asked to end. */
export async function up(flags: UpFlags, { settings, screen, signal }: VerbContext): Promise<number> {
  const dataDir = await dataDirOf(flags, settings);
  const holder = await findConductor(dataDir);
  if (holder !== undefined) {
    throw new CliError(
      EXIT.noConductor,
      'STORE_IN_USE',
      `${dataDir} is served already by pid ${holder.pid} at ${holder.url}, since ${holder.startedAt}`,
      [
        'use that one: commands with the same --data find it by themselves',
        `end it: kill ${holder.pid}`,
        `${PROGRAM} up --data <another folder>`,
      ],
    );
  }
  screen.note(screen.paintNote('faint', `starting on ${dataDir} …`));
  const workspace = flags.workspace === undefined ? undefined : resolve(settings.cwd, flags.workspace);
  const child = await startConductor({ dataDir, workspaceDir: workspace, port: flags.port, more: conductorFlags(flags), environment: settings.environment });
  try {
    await enrolConductor(dataDir, settings.trustStorePath, screen);
    const { url, pid, logPath, workspaceDir } = child;
    if (flags.json === true) screen.out(JSON.stringify({ ok: true, url, pid, dataDir, workspaceDir, logPath }));
    else screen.out(welcome(child, { ...flags, data: flags.data ?? (flags.config === undefined ? undefined : dataDir) }, dataDir, screen.paintOut));
    return await untilEnded(child, signal);
  } finally {
    await child.stop();
    screen.note('ended; everything is on disk');
  }
}

/** A file that is named here may say where the data lies. */
async function dataDirOf(flags: UpFlags, settings: VerbContext['settings']): Promise<string> {
  if (flags.config === undefined || flags.data !== undefined || settings.environment['MAESTRO_DATA']) return resolveDataDir(flags, settings);
  const configured = await configuredDataDir({ ...settings.environment, MAESTRO_CONFIG: flags.config }, settings.cwd);
  return resolveDataDir({ ...flags, data: configured }, settings);
}

/** Flags that are the conductor's own, handed on as they are. */
function conductorFlags({ config, auth, host, allowHost = [] }: UpFlags): readonly string[] {
  const given = (flag: string, value: string | undefined): readonly string[] => (value === undefined ? [] : [`--${flag}=${value}`]);
  return [...given('config', config), ...given('auth', auth), ...given('host', host), ...allowHost.flatMap((name) => given('allow-host', name))];
}

function welcome(
  { url, pid, logPath, workspaceDir }: ConductorChild,
  { data }: UpFlags,
  dataDir: string,
  paint: VerbContext['screen']['paintOut'],
): string {
  const facts = labelled(
    [
      ['address', url],
      ['API docs', `${url}/docs`],
      ['data', dataDir],
      ['log', logPath],
      ['workspace', `${workspaceDir} (the only folder that tasks may read and write)`],
    ],
    paint,
  );
  const commands = [
    commandFor('run -m examples/hello.yaml', { data }),
    commandFor('run -m examples/release-evidence.yaml', { data }),
    `curl -s ${tokenIn(dataDir) === undefined ? '' : `-H "Authorization: Bearer $(cat ${join(dataDir, 'token')})" `}${url}/api/executions`,
  ];
  const title = `${paint('good', '✓')} ${paint('strong', `Maestro Conductor ${releaseVersion()}`)} is up (pid ${pid})`;
  const tries = commands.map((command) => `  ${command}`);
  return [title, '', facts, '', 'Try next, in another terminal:', ...tries, '', 'Ctrl-C ends it.'].join('\n');
}

/** Ends with the child, or when this process is asked to end; a child that ends by itself has failed. */
async function untilEnded(child: ConductorChild, signal: AbortSignal): Promise<number> {
  const asked = new Promise<'asked'>((tell) => {
    if (signal.aborted) tell('asked');
    signal.addEventListener('abort', () => tell('asked'), { once: true });
  });
  const ending = await Promise.race([asked, child.ended]);
  if (ending === 'asked' || ending === 0) return EXIT.ok;
  throw new CliError(
    EXIT.noConductor,
    'CONDUCTOR_ENDED',
    `the conductor ended by itself${ending === null ? ', by a signal' : ` with code ${ending}`}`,
    [`look at the end of ${child.logPath}`],
  );
}
