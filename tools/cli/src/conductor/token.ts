import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The token of a data folder, which its conductor wrote for its owner alone; undefined: it asks for none. */
export function tokenIn(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'token'), 'utf8').trim() || undefined;
  } catch {
    // not there, or not ours to read: the conductor answers 401, which says what to do
    return undefined;
  }
}
