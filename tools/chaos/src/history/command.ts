import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import type { HarnessResult } from '../harness-result.ts';
import { checkHistory } from '../history-checker.ts';
import { syntheticHistory } from './synthetic-history.ts';

const USAGE = `usage: ./maestro chaos checker [--rounds N]
  --rounds  how often each size is checked; the fastest counts (default 3)
`;
const OPTIONS = { rounds: { type: 'string' }, help: { type: 'boolean' } } as const;

const SMALL = 10_000;
const LARGE = 100_000;
/** Time for each event, large over small. Linear is 1; n log n would be 1.25, n² 10; what is above linear here is memory. */
const RATIO_MAX = 3;
const TASKS_OF_SMALL_RUN = 8;

/** Many runs, and one that has all events: what is linear in one need not be in the other. */
const SHAPES = {
  many: (events: number) => syntheticHistory(Math.round(events / (2 * TASKS_OF_SMALL_RUN + 4)), TASKS_OF_SMALL_RUN),
  one: (events: number) => syntheticHistory(1, events / 2 - 2),
} as const;

/** Shows that the judge of all harnesses takes the same time for each event however long the history. Answers the exit code. */
export async function runChecker(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const rounds = Number(values.rounds ?? 3);
  if (values.help === true || !(Number.isSafeInteger(rounds) && rounds > 0)) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : 64;
  }
  const from = performance.now();
  const figures: Record<string, number> = {};
  const violations: string[] = [];
  for (const [shape, of] of Object.entries(SHAPES)) {
    const [small, large] = [perEventUs(of(SMALL), rounds), perEventUs(of(LARGE), rounds)];
    figures[`${shape}SmallUs`] = small;
    figures[`${shape}LargeUs`] = large;
    figures[`${shape}Ratio`] = large / small;
    process.stdout.write(`checker: ${shape === 'one' ? 'one run' : 'many runs'}: ${small.toFixed(2)} µs an event of ${SMALL}, ${large.toFixed(2)} µs of ${LARGE}: × ${(large / small).toFixed(2)}\n`);
    if (large / small > RATIO_MAX) violations.push(`${shape}: an event of ${LARGE} takes ${(large / small).toFixed(1)} times as long as one of ${SMALL}`);
  }
  const result: HarnessResult = { harness: 'checker', seed: '', seconds: Math.round((performance.now() - from) / 1_000), figures, floors: { ratioMax: RATIO_MAX, events: LARGE }, violations };
  writeHarnessResult(result);
  for (const violation of violations) process.stdout.write(`violation: ${violation}\n`);
  process.stdout.write(`checker: ${LARGE} events of many runs in ${((figures['manyLargeUs'] ?? 0) * LARGE / 1e6).toFixed(2)} s, ${violations.length} violations\n`);
  return exitCodeOf(result);
}

/** Microseconds an event, of the fastest round: others share the machine. */
function perEventUs({ events, claims }: ReturnType<typeof syntheticHistory>, rounds: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    const { violations } = checkHistory(events, claims);
    best = Math.min(best, performance.now() - from);
    if (violations.length > 0) throw new Error(`a sound history is called broken: ${JSON.stringify(violations[0])}`);
  }
  return (best * 1_000) / events.length;
}
