import { DatabaseSync } from 'node:sqlite';
import { openOpaPolicyEngine } from '@maestro/adapter-opa';
import { openTaskPackages } from '@maestro/adapter-workerpool';
import { shippedFiles } from '../build-info.ts';
import { SETTINGS, SETTING_NAMES, secretVariableOf, variableOf } from '../config/settings.ts';
import type { ConfigReading } from '../config.ts';
import { SHIPPED_PACKAGES } from '../shipped-packages.ts';
import { broken, fine, problem, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** As `engines` of package.json: older ones lack what the program calls. */
const NODE_MIN = [24, 15, 0];
/** SQLite before this can corrupt its log. */
const SQLITE_MIN = [3, 51, 3];

/** Versions below a program that is started by hand. */
export function checkRuntime(node = process.version.slice(1), sqlite = sqliteVersion()): readonly Finding[] {
  const needed = (min: readonly number[]): string => `${min.join('.')} or newer is needed`;
  return [
    isAtLeast(node, NODE_MIN) ? fine('node', node) : problem('node', `${node}; ${needed(NODE_MIN)}`, 'run ./maestro, which brings its own Node, or install a newer one'),
    isAtLeast(sqlite, SQLITE_MIN) ? fine('sqlite', sqlite) : problem('sqlite', `${sqlite}; ${needed(SQLITE_MIN)}`, 'use a newer Node: SQLite is part of it'),
  ];
}

function sqliteVersion(): string {
  const db = new DatabaseSync(':memory:');
  try {
    return String(db.prepare('SELECT sqlite_version() AS version').get()?.['version']);
  } finally {
    db.close();
  }
}

function isAtLeast(version: string, min: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const at = min.findIndex((part, i) => part !== (parts[i] ?? 0));
  return at === -1 || (parts[at] ?? 0) > (min[at] ?? 0);
}

/** Variables of other parts of the program and of its tests. */
const OTHER_VARIABLES = /^MAESTRO_(CONFIG|URL|TOKEN|TRUST_STORE|TEST_.*)$/;

/** Every value and where it came from; every fault; variables that look like settings and are none. */
export function checkConfig({ values, faults, file }: ConfigReading, environment: Readonly<Record<string, string | undefined>>): readonly Finding[] {
  const known = new Set(SETTING_NAMES.flatMap((name) => (SETTINGS[name].kind === 'secret' ? [variableOf(name), secretVariableOf(name)] : [variableOf(name)])));
  const strangers = Object.keys(environment).filter((name) => name.startsWith('MAESTRO_') && !known.has(name) && !OTHER_VARIABLES.test(name));
  const items = values.map(({ name, value, source }) => `${name} = ${JSON.stringify(value)} (${source})`);
  const read = file === null ? 'no file' : file;
  return [
    faults.length === 0 ? fine('config', `${values.length} settings, ${read}`, items) : problem('config', `${faults.length} faults: the conductor would not start`, 'correct them; docs/configuration.md has every setting', { items: faults }),
    ...(strangers.length === 0 ? [] : [warning('config', 'variables that no setting has', 'correct their names, or unset them', { items: strangers })]),
  ];
}

/** The policy sets and task packages that come with the program. */
export async function checkShipped(bundlesDir: string = shippedFiles.policyBundles): Promise<readonly Finding[]> {
  return [await checkPolicies(bundlesDir), await checkPackages()];
}

async function checkPolicies(bundlesDir: string): Promise<Finding> {
  try {
    const policies = await openOpaPolicyEngine({ bundlesDir, poolSize: 1 });
    const { setDigest, packs } = policies.active();
    const detail = `active set ${setDigest.slice(0, 12)}… of ${packs.length} packs, ${policies.sets().length} sets, digests as listed`;
    await policies.close();
    return fine('policy', detail, packs.map(({ name, packDigest }) => `${name} ${packDigest}`));
  } catch (error) {
    return broken('policy', error, 'restore policy/bundles from the release');
  }
}

async function checkPackages(): Promise<Finding> {
  try {
    const packages = openTaskPackages({ modules: SHIPPED_PACKAGES });
    const all = packages.all();
    await packages.close();
    return fine('packages', `${all.length} packages`, all.map(({ uses, digest }) => `${uses} ${digest}`));
  } catch (error) {
    return broken('packages', error, 'build the program again: ./maestro build');
  }
}
