import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RECEIPT_FILES, openBundle, openStatement, readmeOf } from '@maestro/receipt';
import type { ReceiptV1 } from '@maestro/contracts';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { eventually } from '../eventually.ts';
import { exportReceiptSet, publicKeyPem } from '../receipt-export.ts';
import { RestClient, jsonOf } from '../rest-client.ts';

/** Files of an exported set that prove something. */
export type ProvingFile = keyof typeof RECEIPT_FILES;
export const PROVING_FILES = ['events', 'receipt', 'bundle', 'manifest'] as const satisfies readonly ProvingFile[];

/** One exported set, as bytes. */
export type SetBytes = { readonly [file in ProvingFile]: Buffer };

/** A key that somebody could sign with. */
export type SigningKey = { readonly privateKey: KeyObject; readonly publicPem: string };

/** What an attacker may have before him, and, with `signer`, what only the operator has. */
export type TamperWorld = {
  readonly set: SetBytes;
  readonly receipt: ReceiptV1;
  /** of another run of the same workflow */
  readonly otherSet: SetBytes;
  /** the key that really signed; public part trusted by whoever verifies */
  readonly signer: SigningKey;
  /** a key of the attacker's own */
  readonly stranger: SigningKey;
  readonly readme: string;
};

const SIGNED_MAX_MS = 20_000;

/** Small, and all the same with a value handed on, a public output and a name beyond ASCII. */
const MANIFEST = {
  name: 'audited',
  version: '1.0.0',
  inputs: { who: 'Zo\u00eb' },
  tasks: [
    { id: 'greet', uses: 'pkg:core/echo@1.0.0', with: { value: 'hello ${{ inputs.who }}' } },
    { id: 'count', uses: 'pkg:json/query@1.0.0', with: { query: '$length(text)', data: { text: '${{ tasks.greet.outputs.value }}' } }, needs: ['greet'] },
  ],
};

/** Runs a conductor, two runs on it, and exports both; nothing of it is left behind. */
export async function makeRealSets(random: () => number): Promise<TamperWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'maestro-tamper-'));
  let conductor: ConductorProcess | undefined;
  let client: RestClient | undefined;
  try {
    conductor = await ConductorProcess.start({ dataDir: join(dir, 'data'), port: await freePort(random) });
    client = new RestClient(conductor.url);
    jsonOf(await client.saveDraft(MANIFEST));
    jsonOf(await client.publish(MANIFEST.name));
    const set = await runAndExport(client, join(dir, 'set'), 'one');
    const otherSet = await runAndExport(client, join(dir, 'other'), 'two');
    const publicPem = await publicKeyPem(client);
    const privateKey = createPrivateKey(await readFile(join(dir, 'data', 'keys', 'signing.pem')));
    const { receipt, keyId } = readReceipt(set.bundle);
    return { set, otherSet, receipt, signer: { privateKey, publicPem }, stranger: newKey(), readme: readmeOf(receipt, keyId) };
  } finally {
    await client?.close();
    await conductor?.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function runAndExport(client: RestClient, folder: string, key: string): Promise<SetBytes> {
  const { id } = jsonOf<{ readonly id: string }>(await client.start({ workflowId: MANIFEST.name }, key));
  await eventually(`the receipt of ${id}`, SIGNED_MAX_MS, async () => (await client.bundle(id)).status === 200);
  await exportReceiptSet(client, id, folder);
  const [events, receipt, bundle, manifest] = await Promise.all(PROVING_FILES.map((file) => readFile(join(folder, RECEIPT_FILES[file]))));
  return { events, receipt, bundle, manifest } as SetBytes;
}

function readReceipt(bytes: Uint8Array): { readonly receipt: ReceiptV1; readonly keyId: string } {
  const bundle = openBundle(bytes);
  const statement = typeof bundle === 'string' ? bundle : openStatement(bundle.payload);
  if (typeof bundle === 'string' || typeof statement === 'string' || statement.receipt === undefined) throw new Error(`the exported bundle cannot be read: ${String(statement)}`);
  return { receipt: statement.receipt, keyId: bundle.keyId };
}

/** A fresh P-256 key. */
export function newKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString() };
}

