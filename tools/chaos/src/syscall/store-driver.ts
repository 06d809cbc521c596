// A process that is made to fail: it plays a workload on an event store and an evidence store, and tells of every answer
// in one line of JSON on its standard output, which lies outside of the folder that is faulted.
import { readFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { EventStore, EvidenceRef, EvidenceStore } from '@maestro/ports';
import { moduleOf } from './module-of.ts';
import { appendArguments, evidenceItems } from './step-calls.ts';
import type { AppendStep, EvidenceStep, Round, Step } from './workload.ts';

/** What one driver does. Exits with 0 when all was done, 3 when a call failed to the end, 4 when a store refused to open. Read from the JSON file that is its only argument. */
export type DriverScript = {
  readonly folder: string;
  readonly rounds: readonly Round[];
  /** calls per step before it gives up */
  readonly attemptsMax: number;
  readonly retryDelayMs: number;
  /** another connection reads all the while, as a backup does: the log is never emptied and grows on */
  readonly isHeld: boolean;
  /** after a step that gave up, and at the end: closes, or dies as by a power cut */
  readonly end: 'close' | 'die';
};

/** Lines of the log. Times are milliseconds from the call to its answer. */
export type DriverLine =
  | readonly ['opened']
  | readonly ['ack', index: number, refs: readonly EvidenceRef[]]
  /** index -1: opening or closing */
  | readonly ['fault', index: number, code: string, tookMs: number, message: string]
  /** what reads said right after a refused append: how many events the stream has, or a code */
  | readonly ['read', index: number, found: number | string]
  | readonly ['gave-up', index: number]
  | readonly ['closed'];

type Stores = { readonly events: EventStore | undefined; readonly evidence: EvidenceStore };

/** Exit codes of a driver that ends before its workload does. */
const GAVE_UP = 3;
const COULD_NOT_OPEN = 4;

const script = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as DriverScript;

const tell = (...line: DriverLine): void => void writeSync(1, `${JSON.stringify(line)}\n`);
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, script.retryDelayMs));
const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? (error as Error).name);

const { openSqliteEventStore } = await moduleOf<typeof import('@maestro/adapter-sqlite')>('@maestro/adapter-sqlite', 'event-store');
const { FolderEvidenceStore } = await moduleOf<typeof import('@maestro/adapter-filesystem')>('@maestro/adapter-filesystem', 'evidence/folder-evidence-store');

const hasEvents = script.rounds.some((round) => round.some(({ kind }) => kind === 'append'));

/** Calls until it succeeds; each failure is told. Undefined: it gave up. */
async function insist<T>(index: number, call: () => Promise<T>, o: { readonly attemptsMax?: number; readonly refused?: () => Promise<void> } = {}): Promise<T | undefined> {
  const attemptsMax = o.attemptsMax ?? script.attemptsMax;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const startedMs = performance.now();
    try {
      return await call();
    } catch (error) {
      tell('fault', index, codeOf(error), Math.round(performance.now() - startedMs), String((error as Error).message));
      await o.refused?.();
      if (attempt < attemptsMax) await pause();
    }
  }
  tell('gave-up', index);
  if (script.end === 'die') process.kill(process.pid, 'SIGKILL');
  return undefined;
}

/** Asked once: a writer is a thread, whose calls are counted anew, so that waiting would never see the end of an outage. */
async function open(): Promise<Stores> {
  const path = `${script.folder}/events.db`;
  // the mark follows each commit at once, so that the order of calls is the same in every process
  const events = hasEvents ? await insist(-1, () => openSqliteEventStore({ path, markDelayMs: 0 }), { attemptsMax: 1 }) : undefined;
  if (hasEvents && events === undefined) process.exit(COULD_NOT_OPEN);
  const evidence = await insist(-1, () => FolderEvidenceStore.open(`${script.folder}/evidence`), { attemptsMax: 1 });
  if (evidence === undefined) process.exit(COULD_NOT_OPEN);
  if (script.isHeld) hold(path);
  tell('opened');
  return { events, evidence };
}

let held: DatabaseSync | undefined;
function hold(path: string): void {
  held = new DatabaseSync(path, { readOnly: true });
  held.exec('BEGIN');
  held.prepare('SELECT count(*) FROM events').get();
}

async function close({ events, evidence }: Stores): Promise<void> {
  held?.close();
  for (const store of [events, evidence]) {
    const startedMs = performance.now();
    await store?.close().catch((error: unknown) => tell('fault', -1, codeOf(error), Math.round(performance.now() - startedMs), String(error)));
  }
}

async function append(store: EventStore, step: AppendStep): Promise<boolean> {
  const { index } = step;
  const [stream, expected, events] = appendArguments(step);
  const readBack = async (): Promise<void> => {
    try {
      const page = await store.readStream(stream, { direction: 'backward', limit: 1 });
      tell('read', index, page.kind === 'missing' ? 0 : Number(page.version.revision) + 1);
    } catch (error) {
      tell('read', index, codeOf(error));
    }
  };
  const answer = await insist(index, () => store.append(stream, expected, events), { refused: readBack });
  if (answer?.kind === 'conflict') tell('fault', index, 'CONFLICT', 0, `the stream is at ${answer.actual?.revision ?? 'no event'}`);
  if (answer?.kind === 'appended') tell('ack', index, []);
  return answer?.kind === 'appended';
}

async function keep(store: EvidenceStore, step: EvidenceStep): Promise<boolean> {
  const { index, how } = step;
  const given = evidenceItems(step);
  const call = async (): Promise<readonly EvidenceRef[]> => (how === 'pack' ? store.putMany(given) : Promise.all(given.map((item) => store.put(item))));
  const refs = await insist(index, call);
  if (refs !== undefined) tell('ack', index, refs);
  return refs !== undefined;
}

let stores = await open();

async function play(step: Step): Promise<boolean> {
  if (step.kind === 'evidence') return keep(stores.evidence, step);
  if (step.kind === 'append') return stores.events !== undefined && append(stores.events, step);
  await close(stores);
  stores = await open();
  tell('ack', step.index, []);
  return true;
}

for (const round of script.rounds) {
  const played = await Promise.all(round.map(play));
  if (played.includes(false)) process.exit(GAVE_UP);
}
if (script.end === 'die') process.kill(process.pid, 'SIGKILL');
await close(stores);
tell('closed');
