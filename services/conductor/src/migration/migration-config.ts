import { parseConfig, readConfig } from '../config.ts';
import type { ConfigResult } from '../config.ts';

/** Roles that read between them all that a migration moves; a cluster's configuration is asked for no other secrets. */
const ROLES = ['--role=api', '--role=receipt'];

/** The deployment that flags and file mean: a data folder, or a cluster where the file says `profile: cluster`. */
export function migrationConfig(args: readonly string[], environment: Readonly<Record<string, string | undefined>>, cwd: string): ConfigResult {
  const isCluster = readConfig(args, environment, cwd).config.cluster !== null;
  return parseConfig(isCluster ? [...args, ...ROLES] : args, environment, cwd);
}
