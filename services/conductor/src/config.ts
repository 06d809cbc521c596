import { dirname, resolve } from 'node:path';
import { readConfigFile } from './config/config-file.ts';
import type { FileSays } from './config/config-file.ts';
import { readFlags } from './config/flags.ts';
import { clusterConfigOf, clusterFaults, rolesOf, secretsOf } from './config/cluster-config.ts';
import type { ClusterConfig } from './config/cluster-config.ts';
import { SecretText, readSecret } from './config/secret-text.ts';
import { SETTINGS, SETTING_NAMES, flagOf, fromText, isLoopback, readValue, secretVariableOf, variableOf } from './config/settings.ts';
import type { SettingName } from './config/settings.ts';
import type { Setting } from './config/setting.ts';

/** Everything that can be set, parsed once at start. Defaults are for one person on one machine. */
export type Config = {
  /** holds events, keys and evidence; private to the user */
  readonly dataDir: string;
  /** the only folder that `pkg:file` may touch */
  readonly workspaceDir: string;
  readonly host: string;
  /** 0: any free port */
  readonly port: number;
  /** further `Host` values, port included */
  readonly allowedHosts: readonly string[];
  /** `token`: every request needs the token of the data folder */
  readonly auth: 'none' | 'token';
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
  /** OpenTelemetry; no collector: nothing is traced */
  readonly tracing: { readonly collector: string | null; readonly sharePercent: number };
  /** where it runs as one of several processes; null: embedded, everything in this one */
  readonly cluster: ClusterConfig | null;
};

/** What one setting is, and who said so: `--flag`, `MAESTRO_VARIABLE`, `file:line key` or `default`. */
export type SettingValue = { readonly name: SettingName; readonly value: unknown; readonly source: string };

/** `config` holds defaults where there are faults. */
export type ConfigReading = { readonly config: Config; readonly values: readonly SettingValue[]; readonly faults: readonly string[]; readonly file: string | null };

export type ConfigResult = { readonly kind: 'config'; readonly config: Config } | { readonly kind: 'faults'; readonly faults: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags win over `MAESTRO_…` variables, which win over the file, which wins over defaults. All faults are answered together. */
export function parseConfig(args: readonly string[], environment: Environment, cwd: string): ConfigResult {
  const { config, faults } = readConfig(args, environment, cwd);
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'config', config };
}

/** As `parseConfig`, with where each value came from; for whoever explains the configuration. */
export function readConfig(args: readonly string[], environment: Environment, cwd: string): ConfigReading {
  const flags = readFlags(args);
  const named = flags.values.get('config')?.at(-1) ?? (environment['MAESTRO_CONFIG'] || undefined);
  const file = readConfigFile(named === undefined ? undefined : resolve(cwd, named), cwd);
  const faults = [...flags.faults, ...(file?.faults ?? [])];
  const sources = { flags: flags.values, environment, file, cwd, secrets: new Set<string>() };
  const isCluster = valueOf('profile', sources, []).value === 'cluster';
  const secrets = isCluster ? secretsOf(rolesOf(valueOf('role', sources, []).value as readonly unknown[]), valueOf('store.engine', sources, []).value as ClusterConfig['store']['engine']) : sources.secrets;
  const values = SETTING_NAMES.map((name) => valueOf(name, { ...sources, secrets }, faults));
  const config = configOf(Object.fromEntries(values.map(({ name, value }) => [name, value])) as unknown as Values);
  if (config.cluster !== null) faults.push(...clusterFaults(config.cluster, config.auth));
  const { source } = values.find(({ name }) => name === 'host') as SettingValue;
  const hasApi = config.cluster?.roles.includes('api') ?? true;
  if (hasApi && !isLoopback(config.host) && config.auth === 'none') {
    faults.push(`${source}: ${config.host} is not a loopback address: whoever reaches it could run tasks; use --auth token, or a loopback address`);
  }
  return { config, values, faults, file: file?.path ?? null };
}

type Sources = { readonly flags: ReadonlyMap<string, readonly string[]>; readonly environment: Environment; readonly file: FileSays | undefined; readonly cwd: string; /** settings of the secrets that this process reads */ readonly secrets: ReadonlySet<string> };
type Said = { readonly value: unknown; readonly source: string; readonly from: string };

function valueOf(name: SettingName, sources: Sources, faults: string[]): SettingValue {
  const setting: Setting = SETTINGS[name];
  const said = saidOf(name, setting, sources);
  const reading = readValue(setting, said.value);
  if (reading.kind === 'unfit') faults.push(`${said.source}: expected ${reading.expected}, got ${shown(said.value)}`);
  const { value, source, from } = reading.kind === 'unfit' ? { value: setting.byDefault ?? null, source: 'default', from: sources.cwd } : said;
  if (setting.kind === 'secret') return { name, value: sources.secrets.has(name) ? secretOf(value, source, from, faults) : null, source };
  const isPath = setting.kind === 'folder' || (setting.kind === 'file' && value !== null);
  return { name, value: isPath ? resolve(from, String(value)) : value, source };
}

/** The secret itself where a variable says it, else that of the file that is named; null: neither. */
function secretOf(value: unknown, source: string, from: string, faults: string[]): SecretText | null {
  if (value === null || value instanceof SecretText) return value;
  const read = readSecret(resolve(from, String(value)));
  if (read instanceof SecretText) return read;
  faults.push(`${source}: ${read.fault}`);
  return null;
}

/** The first source that says anything; an empty variable says nothing. */
function saidOf(name: SettingName, setting: Setting, { flags, environment, file, cwd }: Sources): Said {
  const given = flags.get(flagOf(name));
  const isList = Array.isArray(setting.byDefault);
  if (given !== undefined) return { value: fromText(setting, isList ? given.join(',') : (given.at(-1) ?? '')), source: `--${flagOf(name)}`, from: cwd };
  const variable = setting.isFlagOnly === true ? undefined : environment[variableOf(name)];
  if (variable !== undefined && variable !== '') return { value: fromText(setting, variable), source: variableOf(name), from: cwd };
  const secret = setting.kind === 'secret' ? environment[secretVariableOf(name)] : undefined;
  if (secret !== undefined && secret !== '') return { value: new SecretText(secret, secretVariableOf(name)), source: secretVariableOf(name), from: cwd };
  const inFile = file?.values.get(name);
  if (inFile !== undefined && file !== undefined) return { ...inFile, from: dirname(file.path) };
  return { value: setting.byDefault ?? null, source: 'default', from: cwd };
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.join(',') : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

type Values = {
  readonly [Name in 'host' | 'port' | 'auth' | 'requireRegion' | 'tasksMax' | 'childrenMax' | 'logLevel' | 'exitWithParent']: Config[Name];
} & {
  readonly profile: 'embedded' | 'cluster';
  readonly region: string | null;
  readonly data: string;
  readonly workspace: string;
  readonly allowHost: readonly string[];
  readonly allowOrigin: readonly string[];
  readonly 'tracing.collector': string | null;
  readonly 'tracing.sharePercent': number;
};

function configOf(values: Values): Config {
  const { host, port, auth, region, requireRegion, tasksMax, childrenMax, logLevel, exitWithParent } = values;
  return Object.freeze({
    dataDir: values.data,
    workspaceDir: values.workspace,
    host,
    port,
    allowedHosts: Object.freeze([...values.allowHost]),
    auth,
    region,
    requireRegion,
    allowOrigins: Object.freeze([...values.allowOrigin]),
    tasksMax,
    childrenMax,
    logLevel,
    exitWithParent,
    tracing: Object.freeze({ collector: values['tracing.collector'], sharePercent: values['tracing.sharePercent'] }),
    cluster: values.profile === 'cluster' ? clusterConfigOf(values as unknown as Readonly<Record<string, unknown>>) : null,
  });
}
