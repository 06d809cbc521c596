import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DriverLine, DriverScript } from './store-driver.ts';
import { CHANGING_CALLS, READING_CALLS, traceDriver } from './traced-run.ts';
import type { Injection, TracedRun } from './traced-run.ts';
import { callsOf } from './trace-calls.ts';
import type { TracedCall } from './trace-calls.ts';
import { createWorkload } from './workload.ts';
import type { Round } from './workload.ts';

/** A state of the data folder to begin with, and what is done from there. */
export type Scenario = {
  readonly name: string;
  readonly does: string;
  readonly hasEvents: boolean;
  /** what was done before, and how that process ended; none: the folder is missing */
  readonly before: { readonly rounds: readonly Round[]; readonly end: DriverScript['end'] } | null;
  readonly rounds: readonly Round[];
  /** a reader holds the log all the while */
  readonly isHeld?: boolean;
  /** points on this file only: the others are those of the other scenarios again */
  readonly onlyOn?: string;
};

/** A scenario that was played once without faults: its first state is kept, its calls are known. */
export type PreparedScenario = Scenario & {
  readonly template: string | null;
  readonly linesBefore: readonly DriverLine[];
  readonly calls: readonly TracedCall[];
};

/** Pages in the log after which the writer empties it: this many small commits come close. */
const RUNS_UP_TO_CHECKPOINT = 75;

/** Its index has to grow after 4,062 frames: so much is written before, and beyond it afterwards. */
const LARGE_CHARS = 310_000;
const LARGE_RUNS = 14;
const ROUNDS_BEYOND = 14;

/** The scenarios of one seed. Steps are numbered over `before` and `rounds` together. */
export function scenariosOf(seed: string): Scenario[] {
  const cut = (rounds: readonly Round[], at: number) => [rounds.slice(0, at), rounds.slice(at)] as const;
  const [begun, rest] = cut(createWorkload({ seed: `${seed} recovery`, runsCount: 5 }), 12);
  const [finished, more] = cut(createWorkload({ seed: `${seed} reopening`, runsCount: 4, reopenEvery: 5 }), 4);
  const long = createWorkload({ seed: `${seed} checkpoint`, runsCount: RUNS_UP_TO_CHECKPOINT });
  const [most, last] = cut(long, long.length - 10);
  // a thousand judgements would read each piece again: what is written from here on is enough of them
  const fullLog = most.map((round) => round.filter(({ kind }) => kind === 'append')).filter((round) => round.length > 0);
  const large = createWorkload({ seed: `${seed} long log`, runsCount: LARGE_RUNS, sealedChars: LARGE_CHARS }).map((round) => round.filter(({ kind }) => kind === 'append'));
  const [upTo, beyond] = cut(large.filter((round) => round.length > 0), -ROUNDS_BEYOND);
  return [
    { name: 'fresh', does: 'makes the folder and writes', hasEvents: true, before: null, rounds: createWorkload({ seed: `${seed} fresh`, runsCount: 3 }) },
    { name: 'recovery', does: 'starts on what a killed process left', hasEvents: true, before: { rounds: begun, end: 'die' }, rounds: rest.slice(0, 14) },
    { name: 'reopening', does: 'closes and opens again and again', hasEvents: true, before: { rounds: finished, end: 'close' }, rounds: more },
    { name: 'checkpoint', does: 'empties a full log while it writes', hasEvents: true, before: { rounds: fullLog, end: 'die' }, rounds: last },
    { name: 'long-log', does: 'writes on while a reader holds the log', hasEvents: true, before: { rounds: upTo, end: 'die' }, rounds: beyond, isHeld: true, onlyOn: 'events.db-shm' },
    { name: 'evidence', does: 'evidence alone', hasEvents: false, before: null, rounds: createWorkload({ seed: `${seed} evidence`, runsCount: 8, isEvidenceOnly: true }) },
  ];
}

/** How a driver of a scenario behaves. */
export type Conduct = Pick<DriverScript, 'attemptsMax' | 'retryDelayMs' | 'end'>;

/** Folders of a sweep: everything lies below `root`, which the caller makes and removes. */
export class Workshop {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Plays a scenario without faults, twice where it needs a state to begin with. */
  async prepare(scenario: Scenario): Promise<PreparedScenario> {
    const isHeld = scenario.isHeld === true;
    const template = scenario.before === null ? null : join(this.#root, `template-${scenario.name}`);
    let linesBefore: readonly DriverLine[] = [];
    if (scenario.before !== null && template !== null) {
      const { rounds, end } = scenario.before;
      const made = await this.#drive({ folder: template, rounds, attemptsMax: 1, retryDelayMs: 1, end, isHeld }, ['fsync']);
      linesBefore = made.lines;
      if (made.lines.filter(([kind]) => kind === 'ack').length !== rounds.flat().length) throw new Error(`${scenario.name} could not be prepared: ${made.stderr}`);
    }
    const known = { ...scenario, template, linesBefore };
    const folder = this.#folder();
    const data = this.#copy(known, folder);
    const quiet = await this.#drive({ folder: data, rounds: scenario.rounds, attemptsMax: 1, retryDelayMs: 1, end: 'close', isHeld }, [...CHANGING_CALLS, ...READING_CALLS]);
    rmSync(folder, { recursive: true });
    if (quiet.lines.at(-1)?.[0] !== 'closed') throw new Error(`${scenario.name} fails without any fault: ${quiet.stderr} ${JSON.stringify(quiet.lines.at(-1))}`);
    return { ...known, calls: callsOf(quiet.trace, data) };
  }

  /** Plays it with one injection on a fresh copy of its first state; `judge` sees the folder, which is gone afterwards. */
  async run<T>(scenario: PreparedScenario, injection: Injection, conduct: Conduct, judge: (folder: string, run: TracedRun) => Promise<T>): Promise<T> {
    const scratch = this.#folder();
    const folder = this.#copy(scenario, scratch);
    const absolute = injection.path === null ? null : join(folder, injection.path);
    try {
      const run = await traceDriver({ folder, rounds: scenario.rounds, isHeld: scenario.isHeld === true, ...conduct }, { scratch, cache: this.#cache, injection: { ...injection, path: absolute } });
      return await judge(folder, run);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }

  async #drive(script: DriverScript, trace: readonly string[]): Promise<TracedRun> {
    const scratch = this.#folder();
    try {
      return await traceDriver(script, { scratch, cache: this.#cache, trace });
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }

  get #cache(): string {
    return join(this.#root, 'compiled');
  }

  #folder(): string {
    return mkdtempSync(join(this.#root, 'run-'));
  }

  #copy({ template }: { readonly template: string | null }, scratch: string): string {
    const folder = join(scratch, 'data');
    if (template === null) mkdirSync(folder, { mode: 0o700 });
    else cpSync(template, folder, { recursive: true });
    return folder;
  }
}
