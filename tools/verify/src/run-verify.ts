import { parseArgs } from 'node:util';
import type { RequiredProfile } from '@maestro/receipt';
import { rebuildFolder } from './rebuild-folder.ts';
import { renderJson, renderRebuilt, renderTable } from './render.ts';
import { VerifyError } from './verify-error.ts';
import { verifyFolder } from './verify-folder.ts';
import type { VerifyOptions } from './verify-folder.ts';

const USAGE = `usage: verify <folder of a receipt set> (--key <public key pem> | --registry <envelope.json> --root <public key pem>)
  --execution <id>  --workflow <name>  --manifest sha256:<hex>   the run that is expected
  --require signed|logged|witnessed|policy                       what has to be shown; default signed
  --rebuild   only assemble the receipt again from the events and compare bytes
  --json      the verdict for machines
Exit code: 0, or the number of the check that failed first; 64 and above: nothing could be verified.
`;

const OPTIONS = {
  key: { type: 'string' },
  registry: { type: 'string' },
  root: { type: 'string' },
  execution: { type: 'string' },
  workflow: { type: 'string' },
  manifest: { type: 'string' },
  require: { type: 'string' },
  rebuild: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const PROFILES: readonly string[] = ['signed', 'logged', 'witnessed', 'policy'] satisfies readonly RequiredProfile[];

/** What a command line came to: text for stdout or stderr, and the exit code. */
export type Ran = { readonly exitCode: number; readonly out: string; readonly error: string };

/** The verifier as a command: no configuration, no network, nothing written. */
export async function runVerify(args: readonly string[], { color }: { readonly color: boolean }): Promise<Ran> {
  try {
    const { values, positionals } = parse(args);
    if (values.help === true) return { exitCode: 0, out: USAGE, error: '' };
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) throw new VerifyError('USAGE', USAGE);
    if (values.rebuild === true) {
      const rebuilt = await rebuildFolder(folder);
      const out = values.json === true ? `${JSON.stringify(rebuilt, null, 2)}\n` : renderRebuilt(rebuilt);
      return { exitCode: rebuilt.identical ? 0 : 8, out, error: '' };
    }
    const conclusion = await verifyFolder(folder, optionsOf(values));
    const out = values.json === true ? renderJson(conclusion) : renderTable(conclusion, { color });
    return { exitCode: conclusion.exitCode, out, error: '' };
  } catch (error) {
    if (error instanceof VerifyError) return { exitCode: error.exitCode, out: '', error: `verify: ${error.message}\n` };
    throw error;
  }
}

type Values = ReturnType<typeof parse>['values'];

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new VerifyError('USAGE', `${(error as Error).message}\n${USAGE}`);
  }
}

function optionsOf({ key, registry, root, execution, workflow, manifest, require: required = 'signed' }: Values): VerifyOptions {
  if (!isProfile(required)) throw new VerifyError('USAGE', `--require takes ${PROFILES.join(', ')}`);
  return {
    keyFile: key,
    registryFile: registry,
    rootFile: root,
    expected: { executionId: execution, workflowId: workflow, manifestDigest: manifest },
    required,
  };
}

function isProfile(text: string): text is RequiredProfile {
  return PROFILES.includes(text);
}
