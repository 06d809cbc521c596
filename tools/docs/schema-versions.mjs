// What carries a version, and which one the sources hold: the names are those of the rows in docs/compatibility.md.
import { readFileSync, readdirSync } from 'node:fs';

/** Row name → version as text. */
export function versionsIn(root) {
  const highest = (folder, pattern) => {
    const versions = readdirSync(`${root}/${folder}`).flatMap((file) => pattern.exec(file)?.[1] ?? []);
    return String(Math.max(...versions.map(Number)));
  };
  const constant = (file, pattern) => pattern.exec(readFileSync(`${root}/${file}`, 'utf8'))?.[1] ?? 'not found';
  const schema = (name) => [name, highest('contracts/schemas', new RegExp(`^${name}\\.v(\\d+)\\.json$`))];
  return new Map([
    ...['manifest', 'stored-event', 'receipt', 'statement'].map(schema),
    ['event types', highest('contracts/schemas/events', /\.v(\d+)\.json$/)],
    ['commands', highest('contracts/schemas/commands', /\.v(\d+)\.json$/)],
    ['Sigstore bundle', constant('libs/receipt/src/verify/signed-bundle.ts', /sigstore\.bundle\.v(\d+\.\d+)\+json/)],
    ['policy input', constant('libs/domain/src/policy-decision.ts', /POLICY_INPUT_SCHEMA = '[^']*?v?(\d+)'/)],
    ['data folder', constant('services/conductor/src/data-folder.ts', /LAYOUT_VERSION = (\d+)/)],
    ['event database', constant('libs/adapters/sqlite/src/schema.ts', /SCHEMA_VERSION = (\d+)/)],
  ]);
}
