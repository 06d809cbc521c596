import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Seeded } from './seeded-server.ts';

const SETTINGS = fileURLToPath(new URL('../../schemathesis/settings.toml', import.meta.url));
/** How often a parameter is one of the seeded ids; else it is generated. */
const SEEDED_SHARE = 0.7;
const REQUEST_MAX_S = 20;

/** Parameter of the operations whose path fits → the list that it is drawn from. */
const DRAWN: readonly (readonly [pathPattern: string, parameter: string, from: keyof Seeded])[] = [
  ['^/api/workflows/\\{id\\}', 'path.id', 'workflows'],
  ['^/api/workflows/\\{id\\}/versions/', 'path.version', 'versions'],
  ['^/api/executions$', 'body.workflowId', 'workflows'],
  ['^/api/executions/\\{id\\}', 'path.id', 'executions'],
  ['^/api/commands/', 'path.commandId', 'commands'],
  ['^/api/receipts/\\{digest\\}', 'path.digest', 'receipts'],
  ['^/schemas/', 'path.file', 'schemas'],
];

export type GeneratorOptions = {
  readonly program: string;
  readonly url: string;
  readonly seeded: Seeded;
  /** the same requests for the same seed, document and answers */
  readonly seed: number;
  /** cases of one operation and phase at most */
  readonly examplesMax: number;
  readonly timeMaxMs: number;
  /** for its settings; it leaves nothing anywhere else */
  readonly folder: string;
};

/** Runs the generator over the whole document, with all checks. `code` null: it took too long and was ended. */
export async function runGenerator(o: GeneratorOptions): Promise<{ readonly code: number | null; readonly output: string }> {
  const config = join(o.folder, 'schemathesis.toml');
  await writeFile(config, `${await readFile(SETTINGS, 'utf8')}\n${drawn(o.seeded)}`);
  const args = ['--config-file', config, '--no-color', 'run', `${o.url}/docs/openapi.json`, '--checks', 'all', '--seed', String(o.seed), '-n', String(o.examplesMax)];
  const more = ['--request-timeout', String(REQUEST_MAX_S), '--generation-database', 'none', '--continue-on-failure', '--output-truncate', 'true'];
  const child = spawn(o.program, [...args, ...more], { cwd: o.folder, stdio: ['ignore', 'pipe', 'pipe'], env: { HOME: o.folder, PYTHONHASHSEED: '0', LANG: 'C.UTF-8' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const limit = setTimeout(() => child.kill('SIGKILL'), o.timeMaxMs);
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  clearTimeout(limit);
  return { code, output };
}

function drawn(seeded: Seeded): string {
  const lists = Object.entries(seeded).filter(([, values]) => values.length > 0);
  const dictionaries = lists.map(([name, values]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(values)}\n`);
  const bindings = DRAWN.filter(([, , from]) => seeded[from].length > 0).map(
    ([pattern, parameter, from]) =>
      `[[operations]]\ninclude-path-regex = '${pattern}'\nparameters = { "${parameter}" = { dictionary = "${from}", probability = ${SEEDED_SHARE} } }\n`,
  );
  return [...dictionaries, ...bindings].join('\n');
}
