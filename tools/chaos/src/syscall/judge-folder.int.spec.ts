import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderEvidenceStore } from '@maestro/adapter-filesystem';
import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import { judgeFolder } from './judge-folder.ts';
import { appendArguments, evidenceItems } from './step-calls.ts';
import { stepStates } from './step-states.ts';
import type { DriverLine } from './store-driver.ts';
import { createWorkload } from './workload.ts';
import type { Round } from './workload.ts';

const rounds = createWorkload({ seed: 'judge', runsCount: 2 });
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'maestro-judge-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Plays rounds, except for the steps that are left out, and claims what a driver would have told. */
async function play(played: readonly Round[], isLeftOut: (index: number) => boolean = () => false): Promise<DriverLine[]> {
  const events = await openSqliteEventStore({ path: join(folder, 'events.db') });
  const evidence = await FolderEvidenceStore.open(join(folder, 'evidence'));
  const lines: DriverLine[] = [];
  for (const step of played.flat()) {
    if (step.kind === 'evidence') lines.push(['ack', step.index, await evidence.putMany(evidenceItems(step))]);
    else if (step.kind === 'append') {
      if (!isLeftOut(step.index)) await events.append(...appendArguments(step));
      lines.push(['ack', step.index, []]);
    }
  }
  await events.close();
  await evidence.close();
  return lines;
}

const judged = async (lines: readonly DriverLine[], all: readonly Round[] = rounds) => judgeFolder(folder, stepStates(all, lines), true);
const codes = async (lines: readonly DriverLine[], all?: readonly Round[]): Promise<string[]> => [...new Set((await judged(lines, all)).findings.map(({ code }) => code))].sort();
const appends = rounds.flat().filter(({ kind }) => kind === 'append');
const last = appends.at(-1)?.index ?? 0;

it('finds nothing in a folder that kept what it acknowledged, and sends the rest again', async () => {
  const begun = rounds.slice(0, 3);
  const result = await judged(await play(begun));
  expect(result.findings).toEqual([]);
  expect(result.eventsAcknowledged).toBe(begun.flat().reduce((sum, step) => sum + (step.kind === 'append' ? step.events.length : 0), 0));
  expect(result.evidenceAcknowledged).toBe(begun.flat().filter(({ kind }) => kind === 'evidence').length);
  expect([result.resent, result.resentDeduplicated]).toEqual([rounds[3]?.length, 0]);
});

it('knows what had its effect without an answer', async () => {
  const lines = await play(rounds.slice(0, 4));
  const told = lines.filter(([kind, index]) => kind !== 'ack' || !rounds[3]?.some((step) => step.index === index));
  const result = await judged(told);
  expect(result.findings).toEqual([]);
  expect([result.resent, result.resentDeduplicated]).toEqual([rounds[3]?.length, rounds[3]?.length]);
});

it('finds an acknowledged event that is lost', async () => {
  expect(await codes(await play(rounds, (index) => index === last))).toContain('ACKNOWLEDGED_LOST');
});

it('finds acknowledged evidence that is lost or was changed', async () => {
  const lines = await play(rounds);
  const packs = join(folder, 'evidence', 'packs');
  const name = readdirSync(packs).find((file) => file.endsWith('.pack')) ?? '';
  const bytes = readFileSync(join(packs, name));
  rmSync(join(packs, name));
  writeFileSync(join(packs, name), bytes.fill(0x20, bytes.length - 40));
  expect(await codes(lines)).toContain('ACKNOWLEDGED_LOST');
});

it('finds a refused call that was carried out', async () => {
  const lines = await play(rounds);
  const told: DriverLine[] = lines.filter(([kind, index]) => kind !== 'ack' || index !== last);
  told.push(['fault', last, 'STORE_READ_ONLY', 1, 'full'], ['gave-up', last]);
  expect(await codes(told)).toEqual(['REFUSED_STORED']);
});

it('takes a call with an unknown outcome either way', async () => {
  const lines = await play(rounds);
  const told: DriverLine[] = lines.filter(([kind, index]) => kind !== 'ack' || index !== last);
  told.push(['fault', last, 'STORE_OUTCOME_UNKNOWN', 1, 'flush'], ['fault', last, 'STORE_READ_ONLY', 1, 'full'], ['gave-up', last]);
  expect(await codes(told)).toEqual([]);
});

it('finds a commit that is there in part, and events that nobody sent', async () => {
  const isLong = ({ kind, events }: { readonly kind: string; readonly events?: readonly unknown[] }): boolean => kind === 'append' && (events?.length ?? 0) > 1;
  const long = rounds.flat().find(isLong);
  const cut = rounds.slice(0, rounds.findIndex((round) => round.includes(long as never)) + 1).map((round) =>
    round.map((step) => (step === long && step.kind === 'append' ? { ...step, events: step.events.slice(0, 1) } : step)),
  );
  const lines = (await play(cut)).filter(([kind, index]) => kind !== 'ack' || index !== long?.index);
  expect(await codes(lines)).toContain('PARTLY_STORED');
  expect(await codes(lines, rounds.slice(0, 1))).toEqual(expect.arrayContaining(['UNKNOWN_EVENTS']));
});

it('finds a store that does not open', async () => {
  const lines = await play(rounds);
  writeFileSync(join(folder, 'events.db-mark'), 'no mark');
  expect(await codes(lines)).toEqual(['REOPEN_REFUSED']);
});
