import { CALL_FAULTS } from './fault-plan.ts';
import type { FaultKind } from './fault-plan.ts';
import type { SeedOutcome } from './run-seed.ts';

/** Everything that has to happen in a batch; one that never does would not be tested at all. */
export const ALL_KINDS: readonly FaultKind[] = [...CALL_FAULTS, 'broken-stream', 'late-item', 'lost-settlement', 'disk-full', 'crash', 'stop', 'clock-jump', 'clock-frozen', 'lost-tail'];

/** From this many seeds on, every kind of fault and of verdict has to have happened often enough. */
const BATCH_SEEDS_MIN = 200;

/** Sums over the outcomes of a batch. */
export class SimFigures {
  seeds = 0;
  acknowledged = 0;
  events = 0;
  runs = 0;
  receipts = 0;
  tasksSucceeded = 0;
  retries = 0;
  attempts = 0;
  lives = 0;
  noticedLosses = 0;
  simulatedMs = 0;
  readonly faults = new Map<string, number>();
  readonly verdicts = new Map<string, number>();

  add({ acknowledged, counts, faults, lives, attempts, noticedLosses, simulatedMs }: SeedOutcome): void {
    this.seeds += 1;
    this.acknowledged += acknowledged;
    this.events += counts.events;
    this.runs += counts.runs;
    this.receipts += counts.receipts;
    this.tasksSucceeded += counts.tasksSucceeded;
    this.retries += counts.retries;
    this.attempts += attempts;
    this.lives += lives;
    this.noticedLosses += noticedLosses;
    this.simulatedMs += simulatedMs;
    for (const [kind, count] of Object.entries(faults)) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    for (const [verdict, count] of Object.entries(counts.verdicts)) this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + count);
  }

  get simulatedHours(): number {
    return this.simulatedMs / 3_600_000;
  }

  get faultCount(): number {
    return [...this.faults.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What a batch of this size must have reached. */
  get floors(): { readonly acknowledged: number; readonly runs: number; readonly perVerdict: number; readonly perFaultKind: number } {
    const isBatch = this.seeds >= BATCH_SEEDS_MIN;
    return { acknowledged: 5 * this.seeds, runs: 2 * this.seeds, perVerdict: isBatch ? Math.floor(this.seeds / 50) : 0, perFaultKind: isBatch ? Math.floor(this.seeds / 20) : 0 };
  }

  /** Floors that were missed, each a sentence. */
  missed(): readonly string[] {
    const { acknowledged, runs, perVerdict, perFaultKind } = this.floors;
    const under = (what: string, found: number, floor: number): readonly string[] => (found < floor ? [`${what}: ${found}, at least ${floor} are needed to show anything`] : []);
    return [
      ...under('acknowledged commands', this.acknowledged, acknowledged),
      ...under('runs that ended', this.runs, runs),
      ...['succeeded', 'failed', 'cancelled', 'denied'].flatMap((verdict) => under(`runs that ended as ${verdict}`, this.verdicts.get(verdict) ?? 0, perVerdict)),
      ...ALL_KINDS.flatMap((kind) => under(`faults of kind ${kind}`, this.faults.get(kind) ?? 0, perFaultKind)),
    ];
  }
}
