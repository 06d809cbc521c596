import { setTimeout as delay } from 'node:timers/promises';
import type { ReceiptV1 } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import {
  OWN_KEY_FILE,
  README_FILE,
  RECEIPT_FILES,
  assembleSet,
  canonicalBytes,
  digestOf,
  eventHash,
  eventsJsonl,
  openBundle,
  openHistory,
  openStatement,
  readEvent,
  readmeOf,
  sha256,
} from '@maestro/receipt';
import type { OpenedBundle, OpenedStatement } from '@maestro/receipt';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { isAnswerError } from '../rest/answer-error.ts';
import type { RestClient } from '../rest/client.ts';

/** A receipt set to be written: file name → bytes. */
export type CollectedSet = {
  readonly executionId: string;
  readonly receipt: ReceiptV1;
  readonly keyId: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
};

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const EVENTS_PAGE = 200;

/** A receipt is signed within milliseconds of the last event; how often and how long to ask. */
const SIGNED_TRIES = 400;
const SIGNED_STEP_MS = 25;

/**
 * Fetches the receipt set of an ended run: events as their exact canonical bytes, each checked against its hash; the
 * stored bundle; the pinned manifest, checked against the digest that the run pinned; the receipt, assembled here from
 * those events. Waits for a signature that is under way. CliError SET_DAMAGED: what was served does not fit together.
 */
export async function collectSet(client: RestClient, executionId: string): Promise<CollectedSet> {
  const bundle = await fetchBundle(client, executionId);
  const { opened, statement } = readBundle(bundle);
  const events = await fetchEvents(client, executionId);
  const assembled = assembleSet(
    recordedIn(events),
    { jsonl: events, supersedes: statement.receipt?.links.supersedes ?? null },
    statement.receipt?.assembler,
  );
  const { receipt, receiptJson } = assembled;
  const files = new Map([
    [RECEIPT_FILES.events, events],
    [RECEIPT_FILES.receipt, receiptJson],
    [RECEIPT_FILES.bundle, bundle],
    [RECEIPT_FILES.manifest, await fetchManifest(client, receipt)],
    [OWN_KEY_FILE, await fetchKey(client, opened.keyId)],
    [README_FILE, new TextEncoder().encode(readmeOf(receipt, opened.keyId))],
  ]);
  return { executionId, receipt, keyId: opened.keyId, files };
}

async function fetchBundle(client: RestClient, executionId: string): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.bytes({ path: `/api/executions/${encodeURIComponent(executionId)}/receipt`, accept: BUNDLE_TYPE });
    } catch (error) {
      // a run that goes on may do so for hours; only a signature is worth waiting for
      const isBeingSigned = isAnswerError(error, 'RUN_NOT_FINISHED') && error.members['ended'] === true;
      if (!isBeingSigned || attempt >= SIGNED_TRIES) throw error;
      await delay(SIGNED_STEP_MS);
      client.throwIfInterrupted();
    }
  }
}

function readBundle(bytes: Uint8Array): { readonly opened: OpenedBundle; readonly statement: OpenedStatement } {
  const opened = openBundle(bytes);
  if (typeof opened === 'string') throw damaged(`the bundle cannot be read: ${opened}`);
  const statement = openStatement(opened.payload);
  if (typeof statement === 'string') throw damaged(`the bundle's statement cannot be read: ${statement}`);
  return { opened, statement };
}

type EventPage = { readonly items: readonly { readonly hash: string; readonly event: Json }[]; readonly next: number | null };

async function fetchEvents(client: RestClient, executionId: string): Promise<Uint8Array> {
  const lines: Uint8Array[] = [];
  for (let from: number | null = 0; from !== null;) {
    const path = `/api/executions/${encodeURIComponent(executionId)}/events?from=${from}&limit=${EVENTS_PAGE}`;
    const page: EventPage = await client.json<EventPage>({ path });
    for (const { event, hash } of page.items) {
      const bytes = canonicalBytes(event);
      if (eventHash(bytes) !== hash) throw damaged(`event ${lines.length} does not match its hash`);
      lines.push(bytes);
    }
    if (page.next !== null && page.next <= from) throw damaged('the pages of the history do not go on');
    from = page.next;
  }
  return eventsJsonl(lines);
}

function recordedIn(events: Uint8Array): Parameters<typeof assembleSet>[0] {
  return openHistory(events).lines.map(({ stored, problem, hash }, index) => {
    if (stored === undefined) throw damaged(`event ${index} is ${problem}`);
    const read = readEvent(stored, hash);
    if (read.kind !== 'read') throw damaged(read.detail);
    return read.recorded;
  });
}

async function fetchManifest(client: RestClient, { workflow, digests }: ReceiptV1): Promise<Uint8Array> {
  const bytes = await client.bytes({
    path: `/api/workflows/${encodeURIComponent(workflow.id)}/versions/${encodeURIComponent(workflow.version)}`,
  });
  if (digestOf(sha256(bytes)) !== digests.manifest)
    throw damaged(`the manifest of ${workflow.id} ${workflow.version} is not the one that the run pinned`);
  return bytes;
}

async function fetchKey(client: RestClient, keyId: string): Promise<Uint8Array> {
  const { keys } = await client.json<{ readonly keys: readonly { readonly keyId: string; readonly pem: string }[] }>({
    path: '/api/keys',
  });
  const pem = keys.find((key) => key.keyId === keyId)?.pem;
  if (pem === undefined) throw damaged(`the conductor does not publish key ${keyId}, which signed the receipt`);
  return new TextEncoder().encode(pem);
}

function damaged(what: string): CliError {
  return new CliError(EXIT.unexpected, 'SET_DAMAGED', what, ['the data folder may be damaged: restore it from a backup']);
}
