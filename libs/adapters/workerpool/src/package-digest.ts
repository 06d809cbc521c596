import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, sep } from 'node:path';
import type { Json } from '@maestro/domain';
import type { PackageDefinition } from '@maestro/ports';
import { canonicalText } from '@maestro/receipt';

// What a package digest covers: the definition; the TypeScript sources of its group and of the SDK (tests left out,
// line ends as \n); and the exact versions of the libraries that they name. Sources and not compiled files, so that it
// is the same on every machine, and the same in development and production: both ship `src` beside `dist`.

/** Digest of the code behind some modules, each given by the URL of its index in `src` or `dist`. 64 hex. */
export function codeDigest(urls: readonly string[]): string {
  return sha256(urls.map((url) => [dependenciesOf(url), sourcesOf(url)]));
}

/** Digest of one package version. 64 hex. */
export function packageDigest(definition: PackageDefinition, code: string): string {
  return sha256({ definition, code });
}

function dependenciesOf(url: string): Json {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', url), 'utf8')) as { dependencies?: Json };
  return manifest.dependencies ?? {};
}

function sourcesOf(url: string): [path: string, digest: string][] {
  const folder = fileURLToPath(new URL('../src/', url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .map((path): [string, string] => [
      path.replaceAll(sep, '/'),
      sha256(readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n')),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function sha256(value: Json): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}
