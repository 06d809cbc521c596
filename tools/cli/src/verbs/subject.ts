import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';

/** What `verify` and `rebuild` are about. */
export type Subject = { readonly kind: 'folder'; readonly path: string } | { readonly kind: 'run'; readonly executionId: string };

const EXECUTION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A folder that is there, else the id of a run. CliError: neither. */
export async function subjectOf(given: string, cwd: string): Promise<Subject> {
  const path = resolve(cwd, given);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return { kind: 'folder', path };
  if (EXECUTION_ID.test(given)) return { kind: 'run', executionId: given };
  throw new CliError(EXIT.usage, 'NO_SUCH_SET', `${given} is neither a folder nor the id of a run`, [
    `${PROGRAM} export <executionId> --out DIR makes such a folder`,
  ]);
}
