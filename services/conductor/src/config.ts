import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Everything that can be set, parsed once at start. Defaults are for one person on one machine. */
export type Config = {
  /** holds events, keys and evidence; private to the user */
  readonly dataDir: string;
  /** the only folder that `pkg:file` may touch */
  readonly workspaceDir: string;
  readonly host: string;
  /** 0: any free port */
  readonly port: number;
  /** region that runs are asked to stay in where the request says none */
  readonly region: string | null;
  readonly requireRegion: boolean;
  /** exact origins that `pkg:http` may reach beside public addresses */
  readonly allowOrigins: readonly string[];
  /** tasks at once */
  readonly tasksMax: number;
  /** child processes for packages */
  readonly childrenMax: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** ends when its standard input closes: for a conductor that belongs to one command */
  readonly exitWithParent: boolean;
};

export type ConfigResult = { readonly kind: 'config'; readonly config: Config } | { readonly kind: 'faults'; readonly faults: readonly string[] };

const OPTIONS = {
  data: { type: 'string' },
  workspace: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string' },
  region: { type: 'string' },
  'require-region': { type: 'boolean' },
  'allow-origin': { type: 'string', multiple: true },
  'tasks-max': { type: 'string' },
  'children-max': { type: 'string' },
  'log-level': { type: 'string' },
  'exit-with-parent': { type: 'boolean' },
} as const;

/** Flags win over `MAESTRO_…` variables, which win over defaults. All faults are answered together. */
export function parseConfig(args: readonly string[], environment: Readonly<Record<string, string | undefined>>, cwd: string): ConfigResult {
  let flags: Readonly<Record<string, string | boolean | string[] | undefined>>;
  try {
    flags = parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    return { kind: 'faults', faults: [(error as Error).message] };
  }
  const faults: string[] = [];
  const text = (flag: string, fallback: string): string => String(flags[flag] ?? environment[`MAESTRO_${flag.toUpperCase().replaceAll('-', '_')}`] ?? fallback);
  const integer = (flag: string, fallback: number, min: number, max: number): number => {
    const value = Number(text(flag, String(fallback)));
    if (!Number.isInteger(value) || value < min || value > max) faults.push(`--${flag}: expected an integer from ${min} to ${max}, got ${text(flag, '')}`);
    return value;
  };
  const host = text('host', '127.0.0.1');
  if (!isLoopback(host)) faults.push(`--host: ${host} is not a loopback address; other addresses need authentication, which this release does not offer`);
  const logLevel = text('log-level', 'info');
  if (!isLogLevel(logLevel)) faults.push(`--log-level: expected debug, info, warn or error, got ${logLevel}`);
  const allowOrigins = ((flags['allow-origin'] as string[] | undefined) ?? text('allow-origin', '').split(',')).filter((origin) => origin !== '');
  for (const origin of allowOrigins) if (!isOrigin(origin)) faults.push(`--allow-origin: expected an origin such as https://host:port, got ${origin}`);
  const region = text('region', '');
  const config: Config = {
    dataDir: resolve(cwd, text('data', '.maestro')),
    workspaceDir: resolve(cwd, text('workspace', '.')),
    host,
    port: integer('port', 0, 0, 65_535),
    region: region === '' ? null : region,
    requireRegion: text('require-region', 'false') === 'true',
    allowOrigins,
    tasksMax: integer('tasks-max', 64, 1, 1_024),
    childrenMax: integer('children-max', 2, 1, 64),
    logLevel: isLogLevel(logLevel) ? logLevel : 'info',
    exitWithParent: flags['exit-with-parent'] === true,
  };
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'config', config: Object.freeze(config) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isLogLevel(text: string): text is Config['logLevel'] {
  return ['debug', 'info', 'warn', 'error'].includes(text);
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
