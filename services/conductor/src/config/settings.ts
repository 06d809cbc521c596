import { isIP } from 'node:net';

/** One thing that can be set; what it may be, what it is where nobody says, and what it means. */
export type Setting = {
  readonly meaning: string;
  /** not in a file: it belongs to one start, or leads to the file */
  readonly isFlagOnly?: true;
} & (
  | { readonly kind: 'integer'; readonly unit: string; readonly min: number; readonly max: number; readonly byDefault: number }
  /** relative to where the user stands; in a file: to the file's folder */
  | { readonly kind: 'folder'; readonly byDefault: string }
  /** null: not stated */
  | { readonly kind: 'word'; readonly byDefault: string | null }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly byDefault: string }
  | { readonly kind: 'switch'; readonly byDefault: false }
  | { readonly kind: 'origins' | 'hosts'; readonly byDefault: readonly [] }
);

/** Port of a conductor that stays; one that a single command starts takes any free one. */
const DEFAULT_PORT = 4747;

/**
 * Every setting of the conductor, by its name in a configuration file. The flag is `--kebab-case` of the name, the
 * variable `MAESTRO_SNAKE_CASE`. `docs/configuration.md` and `config.v1.json` are made from this table.
 */
export const SETTINGS = {
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
  exitWithParent: { kind: 'switch', byDefault: false, isFlagOnly: true, meaning: 'end when standard input closes: for a conductor that belongs to one command' },
} as const satisfies { readonly [name: string]: Setting };

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** `tasksMax` → `tasks-max`, without the dashes before it. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
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
      return text.split(',').filter((item) => item !== '');
    case 'word':
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
const isHost = (text: string): boolean => /^(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d{1,5})?$/i.test(text);

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
