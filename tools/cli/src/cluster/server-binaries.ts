import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';

/** Programs that a local cluster runs; each an absolute path, `postgres` the folder of its programs. */
export type ServerBinaries = { readonly natsServer: string; readonly versitygw: string; readonly postgres: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Where Debian puts Postgres, one folder per version. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** Finds all of them: the variable that names it, PATH, then where `tools/ci/tools.sh` or the system puts it. CliError CLUSTER_BINARY_MISSING names all that are missing. */
export function findServerBinaries(environment: Environment): ServerBinaries {
  const cache = environment['MAESTRO_TOOL_CACHE'] || join(environment['HOME'] ?? '/', '.cache', 'maestro', 'tools');
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const cached = (name: string): readonly string[] => listed(cache).filter((folder) => folder.startsWith(`${name}-`)).map((folder) => join(cache, folder));
  const find = (name: string, variable: string): string | undefined => {
    const named = environment[variable];
    if (named) return isProgram(named) ? named : undefined;
    return [...onPath, ...cached(name)].map((folder) => join(folder, name)).find(isProgram);
  };
  const debian = listed(DEBIAN_POSTGRES).toSorted((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN_POSTGRES, version, 'bin'));
  const postgresFolders = environment['PG_BIN'] ? [environment['PG_BIN']] : [...debian, ...onPath];
  const found = {
    natsServer: find('nats-server', 'NATS_SERVER'),
    versitygw: find('versitygw', 'VERSITYGW'),
    postgres: postgresFolders.find((folder) => ['initdb', 'postgres', 'pg_isready'].every((name) => isProgram(join(folder, name)))),
  };
  const missing = (Object.keys(HOW_TO_GET) as (keyof ServerBinaries)[]).filter((name) => found[name] === undefined);
  if (missing.length === 0) return found as ServerBinaries;
  const names = missing.map((name) => HOW_TO_GET[name][0]).join(', ');
  throw new CliError(EXIT.usage, 'CLUSTER_BINARY_MISSING', `a local cluster runs real servers; not found: ${names}`, missing.map((name) => HOW_TO_GET[name][1]));
}

const HOW_TO_GET: { readonly [B in keyof ServerBinaries]: readonly [name: string, how: string] } = {
  natsServer: ['nats-server', 'tools/ci/tools.sh  compiles nats-server 2.15.2 (it needs Go); or set NATS_SERVER to its path'],
  versitygw: ['versitygw', 'tools/ci/tools.sh  compiles versitygw 1.7.0 (it needs Go); or set VERSITYGW to its path'],
  postgres: ['postgres', 'apt-get install postgresql; or set PG_BIN to the folder with initdb, postgres and pg_isready'],
};

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
