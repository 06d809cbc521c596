import { FolderEvidenceStore } from '@maestro/adapter-filesystem';
import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import type { EvidenceStore, EventStore, StoredEvent } from '@maestro/ports';
import { checkHistory } from '../history-checker.ts';
import type { Claims } from '../history/claim-checks.ts';
import { nearWriter } from './near-writer.ts';
import { appendArguments } from './step-calls.ts';
import type { StepState } from './step-states.ts';
import type { AppendStep } from './workload.ts';

/** A promise that a folder breaks. Those of the history checker keep their own names. */
export type Finding = { readonly code: string; readonly detail: string };

export type Judgement = {
  readonly findings: readonly Finding[];
  readonly eventsAcknowledged: number;
  readonly evidenceAcknowledged: number;
  /** calls without an answer that were sent again, and how many of them had had their effect */
  readonly resent: number;
  readonly resentDeduplicated: number;
  /** opening both stores, with all that a crash left to be mended */
  readonly recoveryMs: number;
};

type Find = (code: string, detail: string) => void;

/**
 * Opens a folder as a start after a crash does, and holds it against what clients were told: everything acknowledged is
 * there and whole, nothing refused is, no commit is there in part, and what had no answer can be sent again.
 */
export async function judgeFolder(folder: string, states: readonly StepState[], hasEvents: boolean): Promise<Judgement> {
  const findings: Finding[] = [];
  const find: Find = (code, detail) => void findings.push({ code, detail });
  const startWriter = await nearWriter();
  const startedMs = performance.now();
  const events = hasEvents ? await opened(() => openSqliteEventStore({ path: `${folder}/events.db`, startWriter }), find) : undefined;
  const evidence = await opened(() => FolderEvidenceStore.open(`${folder}/evidence`), find);
  const recoveryMs = performance.now() - startedMs;
  let resent = { resent: 0, resentDeduplicated: 0 };
  if (events !== undefined) {
    const present = checkEvents(await allEvents(events, find), states, find);
    resent = await sendAgain(events, states, present, find);
  }
  if (evidence !== undefined) {
    for (const { file, kind, offset } of evidence.findings) if (kind === 'damaged-record') find('EVIDENCE_DAMAGED', `${file} at ${offset}`);
    await checkEvidence(evidence, states, find);
  }
  await events?.close();
  await evidence?.close();
  const acknowledged = states.filter(({ kind }) => kind === 'acknowledged');
  const eventsAcknowledged = acknowledged.reduce((sum, { step }) => sum + (step.kind === 'append' ? step.events.length : 0), 0);
  const evidenceAcknowledged = acknowledged.reduce((sum, { refs }) => sum + refs.length, 0);
  return { findings, eventsAcknowledged, evidenceAcknowledged, ...resent, recoveryMs };
}

async function opened<T>(open: () => Promise<T>, find: Find): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    find('REOPEN_REFUSED', String(error));
    return undefined;
  }
}

async function allEvents(store: EventStore, find: Find): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  try {
    for (let after: string | null = null; ; ) {
      const page = await store.readAll({ after, limit: 1_000 });
      events.push(...page.events);
      if (page.end) return events;
      after = page.next;
    }
  } catch (error) {
    find('READ_REFUSED', String(error));
    return events;
  }
}

const isAppend = (state: StepState): state is StepState & { readonly step: AppendStep } => state.step.kind === 'append';

/** Answers the steps whose commits are there. */
function checkEvents(events: readonly StoredEvent[], states: readonly StepState[], find: Find): Set<number> {
  const stored = new Map(events.map(({ stream, revision, hash }) => [`${stream}/${revision}`, hash]));
  const appends = states.filter(isAppend);
  const present = new Set<number>();
  let planned = 0;
  for (const { step, kind } of appends) {
    const found = step.events.filter(({ hash }, i) => stored.get(`${step.stream}/${step.at + 1 + i}`) === hash).length;
    planned += found;
    const what = `${step.stream} revision ${step.at + 1}, step ${step.index}`;
    if (found > 0) present.add(step.index);
    if (kind === 'acknowledged' && found < step.events.length) find('ACKNOWLEDGED_LOST', `${what}: ${found} of ${step.events.length} events are there`);
    else if (found > 0 && found < step.events.length) find('PARTLY_STORED', `${what}: ${found} of ${step.events.length} events are there`);
    if (kind === 'refused' && found > 0) find('REFUSED_STORED', `${what}: nothing was written, it was said, and it is there`);
    if (kind === 'unsent' && found > 0) find('UNSENT_STORED', what);
  }
  if (planned !== events.length) find('UNKNOWN_EVENTS', `${events.length} events are stored, ${planned} of them were sent`);
  for (const { code, where, detail } of checkHistory(events, claimsOf(appends)).violations) find(code, `${where}: ${detail}`);
  return present;
}

function claimsOf(appends: readonly (StepState & { readonly step: AppendStep })[]): Claims {
  const ofRuns = appends.filter(({ step, kind }) => kind === 'acknowledged' && step.stream.startsWith('execution-')).map(({ step }) => step);
  const answers = ofRuns.map(({ commandId, stream }) => ({ key: commandId, commandId, executionId: stream.slice('execution-'.length) }));
  const observed = ofRuns.flatMap(({ stream, at, events }) => events.map(({ hash }, i) => ({ stream, revision: at + 1 + i, hash })));
  // runs are cut off where the process died; how many operations there were is counted over the whole sweep
  return { answers, observed, verdicts: new Map(), isSettled: false, operationsMin: 0 };
}

/** Calls that had no good answer, made again as a client would: each has one effect in all. */
async function sendAgain(store: EventStore, states: readonly StepState[], present: ReadonlySet<number>, find: Find) {
  let resent = 0;
  let resentDeduplicated = 0;
  for (const { step, kind } of states.filter(isAppend)) {
    if (kind !== 'open' && kind !== 'refused') continue;
    try {
      const answer = await store.append(...appendArguments(step));
      resent += 1;
      const isDeduplicated = answer.kind === 'appended' && answer.deduplicated;
      if (isDeduplicated) resentDeduplicated += 1;
      if (answer.kind !== 'appended' || isDeduplicated !== present.has(step.index)) find('RESENT_WRONG', `step ${step.index}: ${answer.kind}`);
    } catch (error) {
      find('RESENT_REFUSED', `step ${step.index}: ${String(error)}`);
    }
  }
  return { resent, resentDeduplicated };
}

async function checkEvidence(store: EvidenceStore, states: readonly StepState[], find: Find): Promise<void> {
  for (const { step, kind, refs } of states) {
    if (step.kind !== 'evidence' || kind !== 'acknowledged') continue;
    if (refs.length !== step.items.length) find('ACKNOWLEDGED_LOST', `step ${step.index}: ${refs.length} refs for ${step.items.length} items`);
    for (const [i, ref] of refs.entries()) {
      try {
        const bytes = await store.get(ref);
        const item = step.items[i];
        if (Buffer.from(bytes).toString() !== item?.text) find('EVIDENCE_WRONG', `${ref.location} holds other bytes than were put`);
        const kept = typeof item?.retainUntil === 'string' ? (await store.head(ref))?.retainUntil : null;
        if (kept !== item?.retainUntil) find('EVIDENCE_WRONG', `${ref.location} is kept until ${kept}, not ${item?.retainUntil}`);
      } catch (error) {
        find('ACKNOWLEDGED_LOST', `evidence ${ref.location}: ${String(error)}`);
      }
    }
  }
}
