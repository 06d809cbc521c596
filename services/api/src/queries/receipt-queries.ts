import { Query } from '@nestjs/cqrs';
import type { ExecutionId } from '@maestro/domain';
import type { EventStore, EvidenceStore } from '@maestro/ports';
import { readReceipt } from '@maestro/runtime';
import type { FoundReceipt } from '@maestro/runtime';
import type { VerifyReport } from '../api-dependencies.ts';
import { found, noExecution } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';
import { problem } from '../problem/problem-error.ts';

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

export const receiptQueryHandlers = [
  queryHandler(GetReceipt, ['store', 'evidence'], ({ id }: GetReceipt, parts) => signedReceipt(parts, id)),
  queryHandler(VerifyExecution, ['store', 'evidence', 'verify'], async ({ id }: VerifyExecution, { verify, ...parts }): Promise<Verification> => {
    await signedReceipt(parts, id);
    return { executionId: id, ...(await verify(id)) };
  }),
];

async function signedReceipt({ store, evidence }: { readonly store: EventStore; readonly evidence: EvidenceStore }, id: ExecutionId): Promise<FoundReceipt> {
  const receipt = found(await readReceipt(store, evidence, id), noExecution);
  if (receipt.kind === 'receipt') return receipt;
  const detail = receipt.ended ? 'the run has ended and its receipt is being signed: ask again' : 'the run goes on; its receipt is made when it ends';
  throw problem('RUN_NOT_FINISHED', detail, { headers: { 'Retry-After': '1' }, members: { ended: receipt.ended } });
}
