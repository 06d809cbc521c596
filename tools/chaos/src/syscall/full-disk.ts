// A disk that is really full, and then is not: runs in a mount namespace of its own, on a small tmpfs. Its argument is a JSON
// file; the last line of its output is the result.
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { FolderEvidenceStore } from '@maestro/adapter-filesystem';
import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import type { EventStore, EvidenceRef, EvidenceStore, StoredEvent } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import { judgeFolder } from './judge-folder.ts';
import type { Finding } from './judge-folder.ts';
import { appendArguments, evidenceItems } from './step-calls.ts';
import { stepStates } from './step-states.ts';
import type { DriverLine } from './store-driver.ts';
import { createWorkload } from './workload.ts';
import type { Round, Step } from './workload.ts';

export type FullDiskOptions = { readonly mount: string; readonly seed: string; readonly fillsCount: number };

export type FullDiskResult = {
  /** times that the disk was filled and a store said so */
  readonly fills: number;
  /** answers that nothing was written, by kind of call */
  readonly refusals: { readonly [kind in Step['kind']]: number };
  readonly acknowledged: number;
  /** the longest from a call to the answer that nothing was written */
  readonly longestRefusalMs: number;
  /** the longest from freeing the space to the next acknowledged call */
  readonly longestResumeMs: number;
  readonly findings: readonly Finding[];
};

const BLOCK_BYTES = 4_096;
/** Space that is left when the disk is "full": every remainder, so that another write is the one that fails. */
const BLOCKS_LEFT_MAX = 40;
/** Runs of the workload per fill; a full disk shows long before that. */
const RUNS_PER_FILL = 2;
/** Numbers of steps do not come again in the next fill. */
const STEPS_PER_FILL_MAX = 10_000;
const RESUME_WITHIN_MS = 1_000;

class FullDisk {
  readonly #data: string;
  readonly #ballast: string;
  readonly #seed: string;
  readonly #lines: DriverLine[] = [];
  readonly #rounds: Round[] = [];
  readonly findings: Finding[] = [];
  readonly refusals = { append: 0, evidence: 0, reopen: 0 };
  fills = 0;
  longestRefusalMs = 0;
  longestResumeMs = 0;
  #events!: EventStore;
  #evidence!: EvidenceStore;

  constructor({ mount, seed }: FullDiskOptions) {
    this.#data = `${mount}/data`;
    this.#ballast = `${mount}/ballast`;
    this.#seed = seed;
  }

  get acknowledged(): number {
    return this.#lines.length;
  }

  async open(): Promise<void> {
    this.#events = await openSqliteEventStore({ path: `${this.#data}/events.db`, markDelayMs: 0 });
    this.#evidence = await FolderEvidenceStore.open(`${this.#data}/evidence`);
  }

  /** Closing empties the log, so that the next commits need space again. */
  async close(): Promise<void> {
    await this.#events.close();
    await this.#evidence.close();
  }

  async judge(): Promise<void> {
    this.findings.push(...(await judgeFolder(this.#data, stepStates(this.#rounds, this.#lines), true)).findings);
  }

  /** Fills the disk up to some blocks, calls until both stores have refused, frees it, and calls on. */
  async fill(at: number): Promise<void> {
    const workload = createWorkload({ seed: `${this.#seed} fill ${at}`, runsCount: RUNS_PER_FILL }).flat();
    const planned = workload.map((step) => ({ ...step, index: step.index + at * STEPS_PER_FILL_MAX }));
    // evidence comes first in a run: every other time events meet the full disk first
    const steps = at % 2 === 0 ? planned : planned.toSorted((a, b) => Number(a.kind === 'evidence') - Number(b.kind === 'evidence'));
    this.#leave(at % BLOCKS_LEFT_MAX);
    const refused = new Set<Step['kind']>();
    let freedMs: number | undefined;
    for (const [place, step] of steps.entries()) {
      this.#rounds.push([step]);
      while (!(await this.#attempt(step))) {
        if (freedMs !== undefined && performance.now() - freedMs > RESUME_WITHIN_MS) {
          this.findings.push({ code: 'NOT_RESUMED', detail: `fill ${at}, step ${step.index}: refused ${RESUME_WITHIN_MS} ms after space was freed` });
          return;
        }
        refused.add(step.kind);
        if (freedMs !== undefined) continue;
        await this.#reads(step);
        await this.#evidenceToo(steps.slice(place + 1));
        truncate(this.#ballast);
        freedMs = performance.now();
      }
      if (freedMs !== undefined && refused.size > 0) this.longestResumeMs = Math.max(this.longestResumeMs, performance.now() - freedMs);
      refused.clear();
    }
    truncate(this.#ballast);
    if (freedMs !== undefined) this.fills += 1;
  }

  #leave(blocks: number): void {
    truncate(this.#ballast);
    const { bavail, bsize } = statfsSync(this.#data);
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, bavail * bsize - blocks * BLOCK_BYTES)));
  }

  /** Whether the call was acknowledged. */
  async #attempt(step: Step): Promise<boolean> {
    const startedMs = performance.now();
    try {
      this.#lines.push(['ack', step.index, await this.#call(step)]);
      return true;
    } catch (error) {
      this.longestRefusalMs = Math.max(this.longestRefusalMs, performance.now() - startedMs);
      this.refusals[step.kind] += 1;
      const isRight = isFault(error, 'STORE_READ_ONLY') || (step.kind === 'append' && isFault(error, 'STORE_OUTCOME_UNKNOWN'));
      if (!isRight) this.findings.push({ code: 'WRONG_FAULT', detail: `step ${step.index}: ${String(error)}` });
      return false;
    }
  }

  async #call(step: Step): Promise<readonly EvidenceRef[]> {
    if (step.kind === 'evidence') {
      const items = evidenceItems(step);
      return step.how === 'pack' ? this.#evidence.putMany(items) : Promise.all(items.map((item) => this.#evidence.put(item)));
    }
    if (step.kind === 'append') {
      const answer = await this.#events.append(...appendArguments(step));
      if (answer.kind === 'conflict') this.findings.push({ code: 'RESENT_WRONG', detail: `step ${step.index} met a conflict` });
    }
    return [];
  }

  /** Evidence on a disk without a single block. The step is made again when its turn comes, with the same answer. */
  async #evidenceToo(later: readonly Step[]): Promise<void> {
    this.#leave(0);
    const next = later.find(({ kind }) => kind === 'evidence');
    if (next !== undefined) await this.#attempt(next);
  }

  /** What was acknowledged is served while the disk is full. */
  async #reads(step: Step): Promise<void> {
    if (step.kind !== 'append') return;
    try {
      const page = await this.#events.readStream(step.stream as StoredEvent['stream'], { direction: 'backward', limit: 1 });
      const found = page.kind === 'missing' ? -1 : Number(page.version.revision);
      if (found !== step.at) this.findings.push({ code: 'READ_WRONG', detail: `step ${step.index}: the stream is at ${found}, not ${step.at}` });
    } catch (error) {
      this.findings.push({ code: 'READ_REFUSED', detail: String(error) });
    }
  }
}

const truncate = (path: string): void => writeFileSync(path, '');

const options = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as FullDiskOptions;
const disk = new FullDisk(options);
for (let at = 0; at < options.fillsCount; at += 1) {
  await disk.open();
  await disk.fill(at);
  await disk.close();
}
await disk.judge();
const { fills, refusals, acknowledged, findings, longestRefusalMs, longestResumeMs } = disk;
console.log(JSON.stringify({ fills, refusals, acknowledged, longestRefusalMs, longestResumeMs, findings } satisfies FullDiskResult));
