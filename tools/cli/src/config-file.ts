import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * The data folder that the configuration file of a conductor started here would name: `maestro.yaml` of the current
 * folder, or the file of `MAESTRO_CONFIG`. Undefined: none is named. A file that cannot be used is passed over: the
 * conductor refuses it, with every fault and its place.
 */
export async function configuredDataDir(
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<string | undefined> {
  const path = resolve(cwd, environment['MAESTRO_CONFIG'] || 'maestro.yaml');
  const text = await readFile(path, 'utf8').catch(() => '');
  // most folders have none, and the parser is worth milliseconds
  if (!/^\s*["']?data["']?\s*:|[{,]\s*"data"/m.test(text)) return undefined;
  const { parse } = await import('yaml');
  try {
    const { data } = (parse(text) ?? {}) as { readonly data?: unknown };
    return typeof data === 'string' && data !== '' ? resolve(dirname(path), data) : undefined;
  } catch {
    return undefined;
  }
}
