import { isIP } from 'node:net';
import { CLUSTER_SETTINGS } from './cluster-settings.ts';
import { SecretText } from './secret-text.ts';
import type { Setting } from './setting.ts';

/** Port of a conductor that stays; one that a single command starts takes any free one. */
const DEFAULT_PORT = 4747;

/**
 * Every setting of the conductor, by its name in a configuration file. The flag is `--kebab-case` of the name, the
 * variable `MAESTRO_SNAKE_CASE`. `docs/configuration.md` and `config.v1.json` are made from this table.
 */
export const SETTINGS = {
  profile: { kind: 'choice', choices: ['embedded', 'cluster'], byDefault: 'embedded', meaning: '`embedded`: one process, no servers; `cluster`: roles as processes on NATS, Postgres, an event store and an object store' },
  data: { kind: 'folder', byDefault: '.maestro', meaning: 'events, keys and evidence; private to the user' },
  workspace: { kind: 'folder', byDefault: '.', meaning: 'the only folder that `pkg:file` may read and write' },
  host: { kind: 'word', byDefault: '127.0.0.1', meaning: 'address to bind; anything but loopback needs `auth: token`' },
  port: { kind: 'integer', unit: 'port', min: 0, max: 65_535, byDefault: DEFAULT_PORT, meaning: '0: any free one' },
  allowHost: { kind: 'hosts', byDefault: [], meaning: 'further names that a `Host` header may hold, with their port: those of proxies and of this machine' },
  auth: { kind: 'choice', choices: ['none', 'token'], byDefault: 'none', meaning: '`token`: every request needs the token of `<data>/token`' },
  region: { kind: 'word', byDefault: null, meaning: 'region that runs are asked to stay in where the request says none' },
  requireRegion: { kind: 'switch', byDefault: false, meaning: 'refuse runs for which no region is stated' },
  allowOrigin: { kind: 'origins', byDefault: [], meaning: 'exact origins that `pkg:http` may reach beside public addresses' },
  tasksMax: { kind: 'integer', unit: 'tasks', min: 1, max: 1_024, byDefault: 64, meaning: 'tasks that run at once' },
  childrenMax: { kind: 'integer', unit: 'processes', min: 1, max: 64, byDefault: 2, meaning: 'child processes for packages' },
  logLevel: { kind: 'choice', choices: ['debug', 'info', 'warn', 'error'], byDefault: 'info', meaning: 'least severity that is logged' },
  'tracing.collector': { kind: 'origin', byDefault: null, meaning: 'OpenTelemetry collector, which takes spans at `<origin>/v1/traces`; none: nothing is traced' },
  'tracing.sharePercent': { kind: 'integer', unit: 'percent', min: 0, max: 100, byDefault: 100, meaning: 'share of the traces that begin here and are recorded' },
  ...CLUSTER_SETTINGS,
  exitWithParent: { kind: 'switch', byDefault: false, isFlagOnly: true, meaning: 'end when standard input closes: for a conductor that belongs to one command' },
} as const satisfies { readonly [name: string]: Setting };

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** `tasksMax` → `tasks-max`, `nats.servers` → `nats-servers`, without the dashes before it. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll('.', '-');
}

/** `postgres.urlFile` → `MAESTRO_POSTGRES_URL`: the variable that holds the secret itself. */
export function secretVariableOf(name: string): string {
  return variableOf(name.replace(/File$/, ''));
}

/** `tasksMax` → `MAESTRO_TASKS_MAX`. */
export function variableOf(name: string): string {
  return `MAESTRO_${flagOf(name).toUpperCase().replaceAll('-', '_')}`;
}

/** A value as it was read; text where it came from a flag or a variable. */
export type Reading = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'unfit'; readonly expected: string };

/** Text of a flag or variable → what a file would say. */
export function fromText(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'integer':
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case 'switch':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' || text === '' ? false : text;
    case 'origins':
    case 'hosts':
    case 'servers':
    case 'words':
    case 'names':
      return text.split(',').filter((item) => item !== '');
    case 'word':
    case 'origin':
    case 'file':
    case 'secret':
      return text === '' ? null : text;
    default:
      return text;
  }
}

/** Whether a setting may have this value, and what it may have otherwise. */
export function readValue(setting: Setting, value: unknown): Reading {
  const fits = (yes: boolean, expected: string): Reading => (yes ? { kind: 'value', value } : { kind: 'unfit', expected });
  switch (setting.kind) {
    case 'integer':
      return fits(Number.isInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max, `an integer from ${setting.min} to ${setting.max}`);
    case 'switch':
      return fits(typeof value === 'boolean', 'true or false');
    case 'choice':
      return fits(typeof value === 'string' && setting.choices.includes(value), either(setting.choices));
    case 'folder':
      return fits(isText(value) && !value.includes('\0'), 'the path of a folder');
    case 'word':
      return fits((value === null && setting.byDefault === null) || (isText(value) && /^[\x21-\x7e]{1,255}$/.test(value)), 'a word without spaces');
    case 'origins':
      return fits(isListOf(value, isOrigin), 'an origin such as https://host:port');
    case 'origin':
      return fits(value === null || (isText(value) && isOrigin(value)), 'an origin such as https://host:port');
    case 'file':
    case 'secret':
      return fits(value === null || value instanceof SecretText || (isText(value) && !value.includes('\0')), 'the path of a file');
    case 'names':
      return fits(isListOf(value, (item) => setting.choices.includes(item)), `a list of ${either(setting.choices)}`);
    case 'words':
      return fits(isListOf(value, (item) => /^[\x21-\x7e]{1,255}$/.test(item)), 'a list of words');
    case 'servers':
      return fits(isListOf(value, isServer), 'an address such as nats://host:4222');
    case 'hosts':
      return fits(isListOf(value, isHost), 'a name such as maestro.example:4747');
  }
}

/** `a, b or c`. */
function either(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isListOf = (value: unknown, fits: (item: string) => boolean): boolean => Array.isArray(value) && value.every((item) => isText(item) && fits(item));
const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
const isServer = (text: string): boolean => /^(nats|tls):\/\/[^/?#@\s]+$/.test(text) && URL.canParse(text);
const isHost = (text: string): boolean => /^(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d{1,5})?$/i.test(text);

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
