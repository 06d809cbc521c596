import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Release of the program, from the root package. */
export function releaseVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
  return version;
}

/** Files that a deployment reads beside its code. */
export const shippedFiles = {
  policyBundles: join(root, 'policy', 'bundles'),
  prices: join(root, 'policy', 'prices.json'),
} as const;

/** `sha256:<hex>` over the code that runs and the versions of what it depends on: names and contents, sorted. */
export function buildDigest(): string {
  const digest = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const folder of ['contracts', 'libs', 'services']) {
    const files = readdirSync(join(root, folder), { recursive: true })
      .map((file) => String(file).replaceAll('\\', '/'))
      .filter((file) => /(^|\/)dist\/.*\.js$/.test(file) && !file.includes('node_modules'))
      .sort();
    for (const file of files) digest.update(`${folder}/${file}\n`).update(readFileSync(join(root, folder, file)));
  }
  return `sha256:${digest.digest('hex')}`;
}
