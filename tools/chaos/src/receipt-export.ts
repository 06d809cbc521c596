import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RECEIPT_FILES, canonicalBytes } from '@maestro/receipt';
import type { Json } from '@maestro/domain';
import type { ReceiptV1 } from '@maestro/contracts';
import { jsonOf } from './rest-client.ts';
import type { RestAnswer, RestClient } from './rest-client.ts';

/** The receipt as the interface shows it: the document, and beside it what is not part of it. */
type ShownReceipt = ReceiptV1 & { readonly signature: string; readonly keyId: string; readonly bundleDigest: string; readonly signedAt: string; readonly states: object };

/** What need not be asked for. */
export type KnownParts = {
  /** answers of one deployment by path: a version never changes */
  readonly manifests: Map<string, RestAnswer>;
  /** exact bytes of the events of a run, as text; undefined: they are asked for */
  readonly events?: readonly string[] | undefined;
};

/**
 * Writes the receipt set of an ended run into a folder, from REST alone: the exact event bytes as its history gives them,
 * the stored bundle, the pinned manifest, the receipt. Throws where the receipt is not there yet.
 */
export async function exportReceiptSet(client: RestClient, executionId: string, folder: string, { manifests, events }: KnownParts = { manifests: new Map() }): Promise<void> {
  const shown = jsonOf<ShownReceipt>(await client.get(`/api/executions/${executionId}/receipt`));
  const { signature: _signature, keyId: _keyId, bundleDigest: _digest, signedAt: _at, states: _states, ...receipt } = shown;
  const bundle = await client.bundle(executionId);
  jsonOf(bundle);
  const version = `/api/workflows/${receipt.workflow.id}/versions/${receipt.workflow.version}`;
  const manifest = manifests.get(version) ?? (await client.get(version));
  jsonOf(manifest);
  manifests.set(version, manifest);
  const lines = (events ?? (await tailed(client, executionId))).map((event) => `${event}\n`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, RECEIPT_FILES.events), lines.join(''));
  await writeFile(join(folder, RECEIPT_FILES.bundle), bundle.body);
  await writeFile(join(folder, RECEIPT_FILES.manifest), manifest.body);
  await writeFile(join(folder, RECEIPT_FILES.receipt), canonicalBytes(receipt as unknown as Json));
}

async function tailed(client: RestClient, executionId: string): Promise<readonly string[]> {
  const events: string[] = [];
  for await (const { data } of (await client.tail(executionId, 0)).events) events.push(data);
  return events;
}

/** The public key of a conductor's receipts, PEM: what a verifier pins. */
export async function publicKeyPem(client: RestClient): Promise<string> {
  const { keys } = jsonOf<{ readonly keys: readonly { readonly pem: string }[] }>(await client.get('/api/keys'));
  const [key] = keys;
  if (key === undefined) throw new Error('the conductor publishes no key');
  return key.pem;
}
