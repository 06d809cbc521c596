import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { INSTALLED } from '../install-paths.ts';
import type { UpFlags } from './up.ts';
import type { VerbContext } from './verb-context.ts';

export type RoleFlags = Pick<UpFlags, 'role' | 'config' | 'port' | 'host' | 'auth' | 'allowHost' | 'workspace'> & { readonly name?: string | undefined; readonly opsPort?: number | undefined };

/** How long a process may take to end after it was asked; its own bound is ten seconds. */
const STOP_GRACE_MS = 12_000;

/**
 * Serves some roles of a cluster in the foreground until it is asked to end. Its log goes to standard error; standard
 * output has one JSON line once every dependency is there. Exit code 0 after an orderly end.
 */
export async function upRole(flags: RoleFlags, { settings, screen, signal }: VerbContext): Promise<number> {
  if (!existsSync(INSTALLED.conductor)) throw new CliError(EXIT.noConductor, 'NOT_BUILT', 'the conductor is not built yet', ['./maestro build']);
  const env = { NODE_COMPILE_CACHE: INSTALLED.compileCache, ...settings.environment };
  const child = spawn(process.execPath, [INSTALLED.conductor, ...conductorArgs(flags)], { stdio: ['pipe', 'pipe', 'inherit'], cwd: settings.cwd, env });
  // a child that is gone cannot take the end of its standard input
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => screen.out(line));
  const end = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS).unref();
  };
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return EXIT.ok;
  throw new CliError(code === EXIT.usage ? EXIT.usage : EXIT.noConductor, 'CONDUCTOR_ENDED', `the process ended by itself${code === null ? ', by a signal' : ` with code ${code}`}`, ['its last lines above say why']);
}

function conductorArgs({ role = [], config, port, host, auth, allowHost = [], workspace, name, opsPort }: RoleFlags): readonly string[] {
  const given = (flag: string, value: string | number | undefined): readonly string[] => (value === undefined ? [] : [`--${flag}=${value}`]);
  return [
    '--profile=cluster',
    ...role.flatMap((one) => given('role', one)),
    ...given('config', config),
    ...given('port', port),
    ...given('ops-port', opsPort),
    ...given('host', host),
    ...given('auth', auth),
    ...given('workspace', workspace),
    ...given('name', name),
    ...allowHost.flatMap((one) => given('allow-host', one)),
    '--exit-with-parent',
  ];
}
