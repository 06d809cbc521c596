import { randomMove, randomPlan, takeOf } from '../fixtures/random-moves.ts';
import { randomOf } from '../fixtures/seeded-random.ts';
import type { Random } from '../fixtures/seeded-random.ts';
import { TwinRuns } from '../fixtures/twin-runs.ts';

/** DAGs to simulate, and the seed of the first; `SIMULATION_SEED=<n> SIMULATION_DAGS=1` shows one again. */
const DAGS = Number(process.env['SIMULATION_DAGS'] ?? 10_000);
const SEED = Number(process.env['SIMULATION_SEED'] ?? 20_260_105);
const RESUMES_MAX = 3;

type Tally = { dags: number; runs: number; tasks: number; moves: number; resumes: number; taken: number; verdicts: Record<string, number> };

/** One DAG: random moves first, then whatever is left to do, until the run has ended. */
function simulate(random: Random, tally: Tally): void {
  const tasks = randomPlan(random);
  tally.dags += 1;
  tally.tasks += tasks.length;
  let twins = new TwinRuns(tasks);
  for (let resumes = 0; ; resumes += 1) {
    live(twins, random, tally);
    const verdict = String(twins.naive.verdict);
    tally.runs += 1;
    tally.verdicts[verdict] = (tally.verdicts[verdict] ?? 0) + 1;
    tally.taken += twins.naive.reused.size;
    if (resumes === RESUMES_MAX || verdict === 'succeeded' || verdict === 'denied' || random.chance(0.4)) return;
    tally.resumes += 1;
    twins = new TwinRuns(tasks, twins);
  }
}

function live(twins: TwinRuns, random: Random, tally: Tally): void {
  if (random.chance(0.9)) twins.move({ kind: 'policy', taskId: null, attempt: 0, allow: true, deadline: false, take: takeOf(random) });
  for (let left = random.below(60); left > 0 && twins.naive.run !== 'ended'; left -= 1) {
    twins.run.nowMs += random.pick([0, 1, 400, 3_000]);
    const move = randomMove(random, twins.naive);
    // to the millisecond: neither early nor late
    if (move !== 'again' && move.kind === 'grace' && random.chance(0.5)) twins.run.nowMs = Math.max(twins.run.nowMs, twins.naive.graceUntilMs ?? 0);
    if (move === 'again') twins.again(random.below(1_000));
    else twins.move(move);
    tally.moves += 1;
  }
  for (let left = 500; twins.run.state.phase !== 'ended'; left -= 1) {
    const next = twins.next(takeOf(random));
    if (next === undefined || left === 0) throw new Error(`the run hangs with ${[...twins.run.open.keys()].join(', ')} open`);
    twins.move(next);
    tally.moves += 1;
  }
  // late and doubled: whatever was sent before comes once more
  for (let nth = 0; nth < twins.doneCount; nth += 1) twins.again(nth);
  twins.sound();
}

describe('any run, whatever happens to it', () => {
  it('does what a naive simulation does, ends exactly once, leaves nothing open, replays to the same state, and can be resumed', () => {
    const tally: Tally = { dags: 0, runs: 0, tasks: 0, moves: 0, resumes: 0, taken: 0, verdicts: {} };
    for (let seed = SEED; seed < SEED + DAGS; seed += 1) {
      try {
        simulate(randomOf(seed), tally);
      } catch (error) {
        throw new Error(`seed ${seed} (SIMULATION_SEED=${seed} SIMULATION_DAGS=1 shows it alone): ${String(error)}`, { cause: error });
      }
    }
    const { verdicts, ...counts } = tally;
    process.stdout.write(`simulation: seeds ${SEED} to ${SEED + DAGS - 1}; ${JSON.stringify(counts)}; verdicts ${JSON.stringify(verdicts)}\n`);
    // a floor: where some ending never came up, the moves were not random enough to prove anything
    if (DAGS >= 1_000) expect(Object.keys(verdicts).sort()).toEqual(['cancelled', 'denied', 'failed', 'succeeded', 'timed-out']);
    expect(tally.dags).toBe(DAGS);
  }, 300_000);
});
