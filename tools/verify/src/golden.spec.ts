import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { verifyBundle } from '@maestro/adapter-sigstore';
import { decodeEvent, prepareCommit, EMPTY_HEAD, sealedPlacesOf, storedForm } from '@maestro/codec';
import { eventValidators } from '@maestro/contracts';
import type { AnyEvent } from '@maestro/contracts';
import { evolveExecution, initialExecution, intentsOf, projectExecution, workflowDecider } from '@maestro/domain';
import type { ExecutionEvent, Json, Recorded, WorkflowEvent } from '@maestro/domain';
import { assembleSet, canonicalBytes, eventHash, merkleRoot, opens, sha256 } from '@maestro/receipt';
import type { Expectations, OpenedPlace } from '@maestro/receipt';
import { pemKey } from './p256.ts';
import { rebuildFolder } from './rebuild-folder.ts';
import { verifyFolder } from './verify-folder.ts';

const golden = fileURLToPath(new URL('../../../contracts/golden/', import.meta.url));
const text = (path: string): string => readFileSync(`${golden}${path}`, 'utf8');
const histories = readdirSync(`${golden}histories`).flatMap((file) => (file.endsWith('.jsonl') ? [file.slice(0, -'.jsonl'.length)] : []));
const sets = readdirSync(`${golden}receipts`).filter((name) => name !== 'trust');

type Expected = { count: number; head: string; merkleRoot: string; commitments: number; events?: string; receipt?: string; statement?: string };
type Seal = { revision: number; at: string; place: OpenedPlace };

const linesOf = (name: string): Uint8Array[] => text(`histories/${name}.jsonl`).trimEnd().split('\n').map((line) => Buffer.from(line));

function historyOf(name: string): Recorded[] {
  return linesOf(name).map((bytes) => {
    const decoded = decodeEvent(bytes, eventHash(bytes));
    if (decoded.kind === 'failed') throw new Error(decoded.detail);
    return decoded.recorded;
  });
}

/** The same commits prepared again: what one command wrote was one commit. */
function preparedAgain(history: readonly Recorded[]): Buffer {
  let head = EMPTY_HEAD;
  const bytes: Uint8Array[] = [];
  for (const commit of Map.groupBy(history, ({ commandId }) => commandId).values()) {
    const [first] = commit;
    if (first === undefined) continue;
    const { tenant, stream, commandId, causationId, correlationId, actor, at } = first;
    const made = prepareCommit(head, { tenant, stream, commandId, causationId, correlationId, actor }, at, commit.map(({ event }) => event));
    head = made.at(-1)?.recorded ?? head;
    bytes.push(...made.map((one) => one.bytes));
  }
  return Buffer.concat(bytes);
}

describe('golden histories', () => {
  it.each(histories)('%s decodes, and re-encodes to identical bytes', (name) => {
    const history = historyOf(name);
    expect(Buffer.concat(history.map((one) => canonicalBytes(storedForm(one) as unknown as Json))).equals(Buffer.concat(linesOf(name)))).toBe(true);
    expect(preparedAgain(history).equals(Buffer.concat(linesOf(name)))).toBe(true);
  });

  it.each(histories)('%s has the figures that were written down', (name) => {
    const expected = JSON.parse(text(`histories/${name}.expected.json`)) as Expected;
    const [first, ...rest] = historyOf(name).map(({ hash }) => hash);
    expect(1 + rest.length).toBe(expected.count);
    expect(rest.at(-1) ?? first).toBe(expected.head);
    expect(merkleRoot([first ?? '', ...rest])).toBe(expected.merkleRoot);
  });

  it.each(histories)('%s opens to the values that were sealed', (name) => {
    const seals = JSON.parse(text(`histories/${name}.seals.json`)) as Seal[];
    const history = historyOf(name);
    const commitmentAt = ({ revision, at }: Seal): unknown =>
      at.slice(1).split('/').reduce<unknown>((value, key) => (value as { [key: string]: unknown })[key], history[revision]?.event.data);
    expect(seals.filter((seal) => !opens(String(commitmentAt(seal)), seal.place))).toEqual([]);
    const sealed = new Set(history.flatMap(({ event, revision }) => sealedPlacesOf(event).map(({ pointer }) => `${revision}${pointer}/commitment`)));
    const opened = new Set(seals.map(({ revision, at }) => `${revision}${at}`));
    expect([...sealed].filter((place) => !opened.has(place))).toEqual([]);
  });

  it.each(histories.filter((name) => text(`histories/${name}.expected.json`).includes('"receipt"')))('%s replays through the decider to its end, and rebuilds its receipt', (name) => {
    const expected = JSON.parse(text(`histories/${name}.expected.json`)) as Expected;
    const history = historyOf(name);
    const state = history.reduce((at, one) => evolveExecution(at, one as Recorded<ExecutionEvent>), initialExecution());
    const { receipt, events, receiptJson, statement } = assembleSet(history);
    expect([state.phase, state.verdict, state.counts, state.costMicroUsd]).toEqual(['ended', receipt.verdict, receipt.counts, receipt.cost.microUsd]);
    expect([sha256(events), sha256(receiptJson), sha256(statement)]).toEqual([expected.events, expected.receipt, expected.statement]);
    const row = history.reduce<ReturnType<typeof projectExecution>>(projectExecution, undefined);
    expect([row?.status, row?.costMicroUsd]).toEqual([receipt.verdict, receipt.cost.microUsd]);
    const opened = new Set<string>();
    for (const { opens: asked, closes } of history.map((one) => intentsOf(one))) {
      for (const key of opened) if (closes.some((close) => (close.endsWith('/') ? key.startsWith(close) : key === close))) opened.delete(key);
      for (const { key } of asked) opened.add(key);
    }
    expect([...opened]).toEqual([]);
  });

  it('replays the workflow through its decider', () => {
    const history = historyOf('workflow') as Recorded<WorkflowEvent>[];
    const state = history.reduce(workflowDecider.evolve, workflowDecider.initial());
    expect([state.name, state.stable, state.retired, [...state.versions.keys()]]).toEqual(['Hello', '1.0.0', true, ['1.0.0', '1.1.0']]);
  });

  it('holds every event type that there is', () => {
    const seen = new Set<string>(histories.flatMap((name) => historyOf(name).map(({ event }: { event: AnyEvent }) => event.type)));
    expect(Object.keys(eventValidators).filter((type) => !seen.has(type))).toEqual([]);
  });
});

type Case = { trust: { key?: string; registry?: string; root?: string; trustedTime?: string }; expected: Expectations };

function optionsOf(name: string) {
  const { trust, expected } = JSON.parse(text(`receipts/${name}/case.json`)) as Case;
  const file = (of: string | undefined, ending: string): string | undefined => of && `${golden}receipts/trust/${of}${ending}`;
  return { keyFile: file(trust.key, '.pub'), registryFile: file(trust.registry, '.json'), rootFile: file(trust.root, '.pub'), trustedTime: trust.trustedTime, expected };
}

describe('golden receipt sets', () => {
  it.each(sets)('%s verifies to the class that the folder is named after', async (name) => {
    const { code, ok } = await verifyFolder(`${golden}receipts/${name}`, optionsOf(name));
    expect(code ?? 'OK').toBe(name.split('-')[0]);
    expect(ok).toBe(!name.endsWith('_fail'));
  });

  it.each(sets.filter((name) => name.startsWith('OK-')))('%s rebuilds byte for byte', async (name) => {
    expect(await rebuildFolder(`${golden}receipts/${name}`)).toMatchObject({ identical: true });
  });

  it.each(sets.filter((name) => existsSync(`${golden}receipts/${name}/receipt.sigstore.json`)))('%s is judged alike by the Sigstore library', (name) => {
    const keys = ['signing', 'second'].map((key) => pemKey(text(`receipts/trust/${key}.pub`)));
    const verdict = verifyBundle(readFileSync(`${golden}receipts/${name}/receipt.sigstore.json`), (keyId) => keys.find((key) => key?.keyId === keyId));
    // What lies beyond the bundle itself is not its business.
    const refused = /^(MALFORMED-(?!no-|subject|receipt)|TAMPERED_RECEIPT-(signature|verdict)|WRONG_KEY|UNKNOWN_KEY-not-in)/.test(name);
    expect(verdict.ok).toBe(!refused);
  });
});
