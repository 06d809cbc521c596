import { readFileSync } from 'node:fs';
import type { StoredEventV1 } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { ZERO_HASH, canonicalText, eventHash, merkleRoot, sha256 } from '@maestro/receipt';

/** One event of a step; `sealed` is text, null for none. */
export type StepEvent = { readonly id: string; readonly type: string; readonly text: string; readonly hash: string; readonly sealed: string | null };

/** One call of a store, as the driver makes it. `index` counts the steps of a workload from 0. */
export type AppendStep = {
  readonly kind: 'append';
  readonly index: number;
  readonly stream: string;
  /** revision that the commit was decided on; -1: the stream is new */
  readonly at: number;
  readonly commandId: string;
  readonly events: readonly StepEvent[];
};
export type EvidenceStep = {
  readonly kind: 'evidence';
  readonly index: number;
  /** each in a file of its own, or all in one commit of a pack */
  readonly how: 'files' | 'pack';
  readonly items: readonly { readonly key: string; readonly text: string; readonly retainUntil: string | null }[];
};
export type ReopenStep = { readonly kind: 'reopen'; readonly index: number };
export type Step = AppendStep | EvidenceStep | ReopenStep;

/** Steps that are under way at the same time; the next round begins when all of them were acknowledged. */
export type Round = readonly Step[];

type Draft = Omit<StoredEventV1, 'prev' | 'revision'>;
type Unnumbered = Omit<AppendStep, 'index'> | Omit<EvidenceStep, 'index'>;

/** Golden histories of runs that ended: what a conductor really writes. */
const HISTORIES = ['one-task', 'retries', 'cancelled', 'denied', 'timed-out'] as const;
const folder = new URL('../../../../contracts/golden/histories/', import.meta.url);

const SEALED_CHARS = 256;

/** A UUID of the eighth version from any text. */
function uuidOf(text: string): string {
  const hex = sha256(text);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A golden history as another run: other ids, same content. */
function runLike(name: string, seed: string): Draft[] {
  const lines = readFileSync(new URL(`${name}.jsonl`, folder), 'utf8').trimEnd().split('\n');
  const old = (JSON.parse(lines[0] ?? '') as StoredEventV1).stream.slice('execution-'.length);
  return lines.map((line, i) => {
    const { prev: _prev, revision: _revision, ...draft } = JSON.parse(line.replaceAll(old, uuidOf(seed))) as StoredEventV1;
    return { ...draft, id: uuidOf(`${seed} event ${i}`), commandId: sha256(`${seed} ${draft.commandId}`) };
  });
}

/** Commits of one stream: side by side events of one command, chained. */
function commitsOf(drafts: readonly Draft[], seed: string, sealedChars: number): Omit<AppendStep, 'index'>[] {
  const commits: (Omit<AppendStep, 'index'> & { events: StepEvent[] })[] = [];
  let prev: string = ZERO_HASH;
  for (const [revision, draft] of drafts.entries()) {
    const text = canonicalText({ ...draft, revision, prev } as unknown as Json);
    prev = eventHash(Buffer.from(text));
    const sealed = revision % 3 === 0 ? sha256(`${seed} seal ${revision}`).repeat(Math.ceil(sealedChars / 64)) : null;
    const event = { id: draft.id, type: draft.type, text, hash: prev, sealed };
    const last = commits.at(-1);
    if (last?.commandId === draft.commandId) last.events.push(event);
    else commits.push({ kind: 'append', stream: draft.stream, at: revision - 1, commandId: draft.commandId, events: [event] });
  }
  return commits;
}

function receiptOf(drafts: readonly Draft[], commits: readonly Omit<AppendStep, 'index'>[], bundleDigest: string): Draft {
  const [first = '', ...rest] = commits.flatMap(({ events }) => events.map(({ hash }) => hash));
  const last = drafts.at(-1) as Draft;
  const executionId = last.stream.slice('execution-'.length);
  const verdict = last.type === 'execution.denied.v1' ? 'denied' : String(last.data['verdict']);
  const stream = { name: last.stream, count: drafts.length, head: rest.at(-1) ?? first, merkleRoot: merkleRoot([first, ...rest]) };
  const data = { executionId, verdict, stream, bundleDigest, supersedes: null };
  const id = uuidOf(`receipt of ${executionId}`);
  return { ...last, id, type: 'receipt.signed.v1', stream: `receipt-${executionId}`, commandId: sha256(id), data } as unknown as Draft;
}

/** All calls of one run in their order: a blob, its commits, the bundle of its receipt, then the event that names it. */
function stepsOfRun(name: string, seed: string, sealedChars: number): Unnumbered[] {
  const drafts = runLike(name, seed);
  const commits = commitsOf(drafts, seed, sealedChars);
  const bundle = `{"bundle":"${sha256(seed).repeat(12)}"}`;
  const receipt = receiptOf(drafts, commits, sha256(bundle));
  const blob = { key: `blobs/${sha256(`${seed} blob`)}`, text: sha256(`${seed} blob`).repeat(40), retainUntil: null };
  const bundleItem = { key: `receipts/${uuidOf(seed)}`, text: bundle, retainUntil: '2036-01-05T10:00:00Z' };
  return [
    { kind: 'evidence', how: 'files', items: [blob] },
    ...commits,
    { kind: 'evidence', how: 'pack', items: [bundleItem] },
    ...commitsOf([receipt], `${seed} receipt`, SEALED_CHARS),
  ];
}

export type WorkloadOptions = {
  readonly seed: string;
  readonly runsCount: number;
  /** the stores are closed and opened again after so many rounds; 0: never */
  readonly reopenEvery?: number;
  /** size of the sealed values of every third event; default 256 */
  readonly sealedChars?: number;
  /** no events: evidence alone */
  readonly isEvidenceOnly?: boolean;
};

/** Two runs side by side at any time, from their requests to their receipts. The same for the same seed. */
export function createWorkload({ seed, runsCount, reopenEvery = 0, isEvidenceOnly = false, sealedChars = SEALED_CHARS }: WorkloadOptions): Round[] {
  const lanes: Unnumbered[][] = [[], []];
  for (let i = 0; i < runsCount; i += 1) {
    const steps = stepsOfRun(HISTORIES[i % HISTORIES.length] ?? 'one-task', `${seed} run ${i}`, sealedChars);
    lanes[i % lanes.length]?.push(...steps.filter(({ kind }) => !isEvidenceOnly || kind === 'evidence'));
  }
  const rounds: Round[] = [];
  let index = 0;
  for (let at = 0; lanes.some((lane) => at < lane.length); at += 1) {
    rounds.push(lanes.flatMap((lane) => lane[at] ?? []).map((step) => ({ ...step, index: index++ })));
    if (reopenEvery > 0 && rounds.length % reopenEvery === 0) rounds.push([{ kind: 'reopen', index: index++ }]);
  }
  return rounds;
}
