import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

/** Places of this installation that the command line starts or reads. */
export const INSTALLED = {
  conductor: fileURLToPath(new URL('services/conductor/dist/main.js', root)),
  policyPacks: fileURLToPath(new URL('policy/packs', root)),
  /** compiled code that Node keeps between starts */
  compileCache: fileURLToPath(new URL('.cache/compile', root)),
} as const;

/** Release of this program. */
export function releaseVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { readonly version: string };
  return version;
}

/** How users call this program, as in commands to try. */
export const PROGRAM = './maestro';
