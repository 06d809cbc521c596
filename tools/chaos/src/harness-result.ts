import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What one run of a harness came to. `figures`: as found, units in the names; `floors`: what they had to reach. */
export type HarnessResult = {
  readonly harness: string;
  readonly seed: string;
  readonly seconds: number;
  readonly figures: { readonly [name: string]: unknown };
  readonly floors: { readonly [name: string]: unknown };
  /** promises that were broken and floors that were missed, each a sentence; none: the harness is green */
  readonly violations: readonly string[];
};

/** Where the scoreboard reads: `.cache/chaos` of the repository. */
const FOLDER = fileURLToPath(new URL('../../../.cache/chaos/', import.meta.url));

/** Writes `<harness>.json`, whole or not at all. Answers its path. */
export function writeHarnessResult(result: HarnessResult, folder: string = FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.harness}.json`);
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(unfinished, path);
  return path;
}

/** Exit code of a harness. */
export function exitCodeOf({ violations }: Pick<HarnessResult, 'violations'>): number {
  return violations.length === 0 ? 0 : 1;
}
