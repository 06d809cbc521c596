import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findServerBinaries } from '@maestro/cli/cluster';
import { serverEnvironment } from './config.ts';

/** One statement, or several in one transaction, past all links. Answers rows as lines; throws what Postgres says. */
export async function sql(postgresUrl: string, text: string): Promise<string> {
  const psql = join(findServerBinaries(serverEnvironment).postgres, 'psql');
  const { stdout } = await promisify(execFile)(psql, ['-d', postgresUrl, '-qAt', '-v', 'ON_ERROR_STOP=1', '-c', text]);
  return stdout.trim();
}
