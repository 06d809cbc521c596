import { Query } from '@nestjs/cqrs';
import { parseExecutionId, parseHash } from '@maestro/domain';
import type { ExecutionId, Json, ReceiptRow } from '@maestro/domain';
import type { EventStore, EvidenceStore } from '@maestro/ports';
import { OWN_KEY_FILE, README_FILE, RECEIPT_FILES, canonicalBytes, readmeOf } from '@maestro/receipt';
import { awaitPosition, readReceipt, readReceiptSet } from '@maestro/runtime';
import type { FoundReceipt } from '@maestro/runtime';
import type { ApiDependencies, VerifyReport } from '../api-dependencies.ts';
import { writeTar } from '../archive/ustar.ts';
import { found, noExecution } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';
import { problem, unreadable } from '../problem/problem-error.ts';

export class GetReceipt extends Query<FoundReceipt> {
  readonly id: ExecutionId;
  constructor(id: ExecutionId) {
    super();
    this.id = id;
  }
}

export type Verification = { readonly executionId: string } & VerifyReport;

export class VerifyExecution extends Query<Verification> {
  readonly id: ExecutionId;
  constructor(id: ExecutionId) {
    super();
    this.id = id;
  }
}

/** One document of a receipt, as its exact bytes. */
export type ReceiptDocument = { readonly document: ReceiptRow['document']; readonly executionId: string; readonly digest: string; readonly bytes: Uint8Array };

/** `digest`: 64 hex, with or without `sha256:`. */
export class GetReceiptDocument extends Query<ReceiptDocument> {
  readonly digest: string;
  constructor(digest: string) {
    super();
    this.digest = digest;
  }
}

/** A receipt set as one archive. */
export type EvidenceArchive = { readonly name: string; readonly bytes: Uint8Array; readonly bundleDigest: string };

export class GetEvidence extends Query<EvidenceArchive> {
  readonly id: ExecutionId;
  constructor(id: ExecutionId) {
    super();
    this.id = id;
  }
}

export class VerifyFiles extends Query<VerifyReport> {
  readonly files: ReadonlyMap<string, Uint8Array>;
  constructor(files: ReadonlyMap<string, Uint8Array>) {
    super();
    this.files = files;
  }
}

export const receiptQueryHandlers = [
  queryHandler(GetReceipt, ['store', 'evidence'], ({ id }: GetReceipt, parts) => signedReceipt(parts, id)),
  queryHandler(VerifyExecution, ['store', 'evidence', 'verify'], async ({ id }: VerifyExecution, { verify, ...parts }): Promise<Verification> => {
    await signedReceipt(parts, id);
    return { executionId: id, ...(await verify(id)) };
  }),
  queryHandler(VerifyFiles, ['verifyFiles'], async ({ files }: VerifyFiles, { verifyFiles }): Promise<VerifyReport> => verifyFiles(files)),
  queryHandler(GetReceiptDocument, ['store', 'evidence', 'views', 'clock', 'settings'], ({ digest }: GetReceiptDocument, parts) => receiptDocument(parts, digest)),
  queryHandler(GetEvidence, ['store', 'evidence', 'keys'], ({ id }: GetEvidence, parts) => evidenceArchive(parts, id)),
];

type Lookup = Pick<ApiDependencies, 'store' | 'evidence' | 'views' | 'clock' | 'settings'>;

async function receiptDocument(parts: Lookup, text: string): Promise<ReceiptDocument> {
  const digest = parseHash(text.replace(/^sha256:/, ''));
  const row = digest === undefined ? undefined : await findDocument(parts, digest);
  const id = row && parseExecutionId(row.executionId);
  const receipt = row === undefined || id === undefined ? undefined : await readReceipt(parts.store, parts.evidence, id, row.bundleDigest);
  if (receipt?.kind === 'unreadable') throw unreadable(receipt);
  if (row === undefined || receipt?.kind !== 'receipt') throw problem('RECEIPT_NOT_FOUND', 'no bundle, statement or receipt of this deployment has this SHA-256');
  const bytes = { bundle: () => receipt.bundle, statement: () => receipt.statement, receipt: () => canonicalBytes(receipt.receipt as unknown as Json) }[row.document]();
  return { document: row.document, executionId: row.executionId, digest: row.id, bytes };
}

/** A receipt that was signed just now may not be indexed yet. */
async function findDocument({ store, views, clock, settings }: Lookup, digest: string): Promise<ReceiptRow | undefined> {
  const find = async (): Promise<ReceiptRow | undefined> => (await views.get('receipt', [digest])).get(digest);
  const known = await find();
  const head = known === undefined ? await store.head() : null;
  if (head === null) return known;
  await awaitPosition(store, views, clock, head, settings.positionWaitMs);
  return find();
}

/** The files that `maestro export` writes, in a folder named by the run. */
async function evidenceArchive({ store, evidence, keys }: Pick<ApiDependencies, 'store' | 'evidence' | 'keys'>, id: ExecutionId): Promise<EvidenceArchive> {
  const found = await signedReceipt({ store, evidence }, id);
  const set = await readReceiptSet(store, found);
  const { keyId } = found.view;
  const pem = keys.publicKeys().find((key) => key.keyId === keyId)?.pem;
  const files = new Map<string, Uint8Array>();
  const add = (name: string, bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) files.set(`${id}/${name}`, bytes);
  };
  for (const file of ['events', 'receipt', 'bundle', 'manifest'] as const) add(RECEIPT_FILES[file], set[file]);
  add(OWN_KEY_FILE, pem === undefined ? undefined : Buffer.from(pem));
  add(README_FILE, Buffer.from(readmeOf(found.receipt, keyId)));
  return { name: `receipt-${id}.tar`, bytes: writeTar(files, Date.parse(found.receipt.finishedAt)), bundleDigest: found.bundleDigest };
}

async function signedReceipt({ store, evidence }: { readonly store: EventStore; readonly evidence: EvidenceStore }, id: ExecutionId): Promise<FoundReceipt> {
  const receipt = found(await readReceipt(store, evidence, id), noExecution);
  if (receipt.kind === 'receipt') return receipt;
  const detail = receipt.ended ? 'the run has ended and its receipt is being signed: ask again' : 'the run goes on; its receipt is made when it ends';
  throw problem('RUN_NOT_FINISHED', detail, { headers: { 'Retry-After': '1' }, members: { ended: receipt.ended } });
}
