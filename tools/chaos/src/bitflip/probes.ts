import { createPublicKey, verify } from 'node:crypto';
import { join } from 'node:path';
import { FolderEvidenceStore, FolderKeyVault, openSigningKeys } from '@maestro/adapter-filesystem';
import { systemClock, systemEntropy } from '@maestro/adapter-memory';
import { openOpaPolicyEngine } from '@maestro/adapter-opa';
import { createSigner } from '@maestro/adapter-sigstore';
import { openSqliteEventStore, openSqliteProcessState, openSqliteReadModels } from '@maestro/adapter-sqlite';
import { parseExecutionId } from '@maestro/domain';
import type { StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { EventStore, EvidenceStore, ListQuery, SubscriptionItem } from '@maestro/ports';
import { fromEnvelope, preAuthEncoding } from '@maestro/receipt';
import { SealedValues, readExecution, readReceipt, readReceiptSet, readWorkflow, recordedOf } from '@maestro/runtime';
import type { Unreadable } from '@maestro/runtime';
import { Questions } from './answers.ts';
import type { Answers } from './answers.ts';
import type { ProbeName } from './file-kinds.ts';
import { PAGE_EVENTS, valueAt } from './read-plan.ts';
import type { ReadPlan, SealedAt } from './read-plan.ts';

type Probe = (folder: string, plan: ReadPlan, questions: Questions) => Promise<void>;

/** Asks a folder everything that the files of a probe answer, with the adapters that a conductor has. */
export async function probe(name: ProbeName, folder: string, plan: ReadPlan): Promise<Answers> {
  const questions = new Questions();
  await questions.ask('opens and closes', () => PROBES[name](folder, plan, questions));
  return questions.answers;
}

const PROBES: { readonly [name in ProbeName]: Probe } = { records, keys, 'process-state': processState, 'read-models': readModels, policy };

async function records(folder: string, plan: ReadPlan, questions: Questions): Promise<void> {
  const store = await openSqliteEventStore({ path: join(folder, 'events.db') });
  try {
    await events(store, plan, questions);
    const evidence = await FolderEvidenceStore.open(join(folder, 'evidence'));
    const vault = await FolderKeyVault.open(join(folder, 'keys', 'vault'));
    try {
      for (const ref of plan.evidence) {
        await questions.ask(`evidence ${ref.location}`, () => evidence.get(ref));
        await questions.ask(`facts of evidence ${ref.location}`, () => evidence.head(ref));
      }
      for (const keyId of plan.dataKeys) await questions.ask(`key ${keyId}`, () => vault.derive(keyId, 'bit flips'));
      const values = new SealedValues(vault, systemEntropy, store, evidence);
      for (const at of plan.sealed) await questions.ask(`value ${at.stream} ${at.revision} ${at.pointer}`, () => openAt(store, values, at));
      await views(store, evidence, plan, questions);
    } finally {
      await vault.close();
      await evidence.close();
    }
  } finally {
    await store.close();
  }
}

async function events(store: EventStore, { streams, cursors }: ReadPlan, questions: Questions): Promise<void> {
  await questions.ask('head', () => store.head());
  for (const after of cursors) await questions.ask(`events after ${after}`, () => store.readAll({ after, limit: PAGE_EVENTS }));
  for (const stream of [...streams, 'execution-none', 'workflow-none']) {
    for (const direction of ['forward', 'backward'] as const) {
      await questions.ask(`${stream} ${direction}`, () => store.readStream(stream as StreamName, { direction, limit: 200 }));
    }
  }
  await questions.ask('subscription', () => followed(store));
}

/** Everything that a subscription gives until it has caught up; damage on the way is one fault, as its reader sees it. */
async function followed(store: EventStore): Promise<readonly SubscriptionItem[]> {
  const stop = new AbortController();
  const items: SubscriptionItem[] = [];
  for await (const item of store.subscribe({ after: null, signal: stop.signal })) {
    if (item.kind === 'damaged') throw item.fault;
    items.push(item);
    if (item.kind === 'caught-up') stop.abort();
  }
  return items;
}

async function openAt(store: EventStore, values: SealedValues, { stream, revision, pointer }: SealedAt): Promise<unknown> {
  const page = await store.readStream(stream as StreamName, { from: BigInt(revision), direction: 'forward', limit: 1 });
  const stored = page.kind === 'page' ? page.events[0] : undefined;
  if (stored === undefined) return undefined;
  const recorded = recordedOf(stored);
  return values.open(recorded, pointer, valueAt(recorded.event.data, pointer));
}

async function views(store: EventStore, evidence: EvidenceStore, { streams }: ReadPlan, questions: Questions): Promise<void> {
  for (const stream of streams) {
    const id = parseExecutionId(stream.replace(/^execution-/, ''));
    if (stream.startsWith('workflow-')) await questions.ask(`view of ${stream}`, async () => readable(await readWorkflow(store, stream.slice('workflow-'.length))));
    if (id === undefined) continue;
    await questions.ask(`view of ${stream}`, async () => readable(await readExecution(store, id)));
    const receipt = await questions.ask(`receipt of ${stream}`, async () => readable(await readReceipt(store, evidence, id)));
    if (receipt?.kind === 'receipt') await questions.ask(`set of ${stream}`, () => readReceiptSet(store, receipt));
  }
}

/** A stream that is told as unreadable is served to nobody: the interface answers its code. */
function readable<T extends { readonly kind: string }>(found: T | Unreadable): T {
  if (found.kind === 'unreadable' && 'code' in found) throw new Fault(found.code, found.detail);
  return found as T;
}

/** What the registry says, and whether what is signed now verifies under it. */
async function keys(folder: string, _plan: ReadPlan, questions: Questions): Promise<void> {
  const { signingKeyPem, ...published } = openSigningKeys(join(folder, 'keys'), systemClock);
  await questions.ask('published keys', () => published);
  await questions.ask('a signature', async () => {
    const bundle = await createSigner({ privateKeyPem: signingKeyPem }).sign(Buffer.from('{"statement":"bit flips"}'));
    const envelope = fromEnvelope((JSON.parse(Buffer.from(bundle).toString('utf8')) as { readonly dsseEnvelope: unknown }).dsseEnvelope);
    const key = published.registry.keys.find(({ keyId }) => keyId === published.keyId);
    if (envelope === undefined || key === undefined) return false;
    const spki = createPublicKey({ key: Buffer.from(key.spki, 'base64'), format: 'der', type: 'spki' });
    return verify('sha256', preAuthEncoding(envelope.payloadType, envelope.payload), spki, envelope.signature);
  });
}

async function processState(folder: string, { stateNames }: ReadPlan, questions: Questions): Promise<void> {
  const state = await openSqliteProcessState({ path: join(folder, 'state.db') });
  try {
    for (const name of [...stateNames, 'none']) {
      await questions.ask(`state of ${name}`, async () => {
        const { cursor, rows } = await state.load(name);
        const loaded: unknown[] = [];
        for await (const row of rows) loaded.push(row);
        return { cursor, loaded };
      });
    }
  } finally {
    await state.close();
  }
}

async function readModels(folder: string, { rowIds, lists }: ReadPlan, questions: Questions): Promise<void> {
  const models = await openSqliteReadModels({ path: join(folder, 'views.db') });
  try {
    await questions.ask('status', () => models.status());
    for (const [table, ids] of Object.entries(rowIds)) await questions.ask(`rows of ${table}`, () => models.get(table as 'execution', ids));
    for (const { table, tag, ...asked } of lists) {
      const query = { ...asked, limit: 100, ...(tag === undefined ? {} : { tags: [tag] }) } as ListQuery;
      await questions.ask(`list ${JSON.stringify({ table, tag, ...asked })}`, () => models.list(table, query));
    }
  } finally {
    await models.close();
  }
}

async function policy(folder: string, _plan: ReadPlan, questions: Questions): Promise<void> {
  const policies = await openOpaPolicyEngine({ bundlesDir: folder, poolSize: 1 });
  try {
    await questions.ask('policy sets', () => ({ active: policies.active(), sets: policies.sets() }));
    for (const stage of ['publish', 'start', 'task'] as const) {
      await questions.ask(`decision at ${stage}`, async () => {
        const { allow, packs } = await policies.evaluate(policies.active().setDigest, stage, { stage });
        return { allow, packs };
      });
    }
  } finally {
    await policies.close();
  }
}
