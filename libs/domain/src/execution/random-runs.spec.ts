import type { PlanTask } from '@maestro/contracts';
import fc from 'fast-check';
import { NaiveRun } from '../fixtures/naive-run.ts';
import type { Move } from '../fixtures/naive-run.ts';
import {
  CANCEL,
  CANCELLED,
  CANCEL_GRACE,
  CONTINUE,
  PRICES,
  RUN_LIMIT,
  RunUnderTest,
  SUCCEEDED,
  TIMED_OUT,
  answer,
  failedWith,
  fire,
  planned,
  reportOf,
  retryDue,
  startOf,
} from '../fixtures/run-under-test.ts';
import type { Asked, Outcome } from '../fixtures/run-under-test.ts';
import type { Intent } from '../intents.ts';
import { evolveExecution } from './evolve.ts';
import { initialExecution } from './state.ts';

const OUTCOMES: Record<Extract<Move, { kind: 'report' }>['how'], Outcome> = {
  succeeded: SUCCEEDED,
  failed: failedWith(true),
  'failed-for-good': failedWith(false),
  'timed-out': TIMED_OUT,
  cancelled: CANCELLED,
};

function asked(move: Move): Asked {
  switch (move.kind) {
    case 'policy': {
      const checkId = move.taskId === null ? 'start' : `task/${move.taskId}/${move.attempt}`;
      return move.deadline ? fire({ kind: 'policy-deadline', checkId }) : answer(checkId, move.allow);
    }
    case 'begin':
      return startOf(move.taskId, move.lease, move.attempt);
    case 'report': {
      const { taskId, attempt, lease: leaseId, durationMs, unseen } = move;
      return reportOf(taskId, OUTCOMES[move.how], { attempt, leaseId, durationMs, ...(unseen ? { runner: null } : {}) });
    }
    case 'retry':
      return retryDue(move.taskId, move.attempt);
    default:
      return { cancel: CANCEL, grace: CANCEL_GRACE, limit: RUN_LIMIT, continue: CONTINUE }[move.kind];
  }
}

/** Plans of 1 to 12 tasks: each may need, and read, any earlier one. */
const plans = fc
  .array(fc.record({ edges: fc.nat(0xfff), reads: fc.nat(0xfff), retries: fc.integer({ min: 0, max: 2 }), fenced: fc.integer({ min: 0, max: 3 }) }), { minLength: 1, maxLength: 12 })
  .map((drawn) =>
    drawn.map(({ edges, reads, retries, fenced }, i) => {
      const needs = drawn.flatMap((_, j) => (j < i && (edges >> j) % 4 === 1 ? [`t${j}`] : []));
      return planned(`t${i}`, needs, { retries, fenced: fenced === 0, reads: needs.filter((_, j) => (reads >> j) % 3 === 0) });
    }),
  );

const hows = ['succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed', 'failed', 'failed-for-good', 'timed-out', 'cancelled'] as const;
const outcomes = fc.constantFrom(...hows);
const leases = fc.constantFrom(null, 'lease-1', 'lease-1', 'lease-2');
/** A move before it is aimed: at a task, and at its current attempt mostly; `off` makes some early, late or foreign. */
const aims = { task: fc.nat(11), off: fc.constantFrom(0, 0, 0, 0, 0, 1, -1) };
const draws = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('report' as const), ...aims, how: outcomes, lease: leases, durationMs: fc.nat(5_000), unseen: fc.integer({ min: 0, max: 9 }).map((n) => n === 0) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('policy-of-task' as const), ...aims, allow: fc.boolean(), deadline: fc.constantFrom(false, false, false, true) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('policy-of-run' as const), allow: fc.boolean(), deadline: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('begin' as const), ...aims, lease: leases }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('retry' as const), ...aims }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('again' as const), nth: fc.nat(1_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'grace' as const, 'grace' as const, 'limit' as const, 'continue' as const) }) },
);
type Draw = typeof draws extends fc.Arbitrary<infer D> ? D : never;

function aimed(draw: Exclude<Draw, { kind: 'again' }>, run: NaiveRun): Move {
  if (draw.kind === 'policy-of-run') return { ...draw, kind: 'policy', taskId: null, attempt: 0 };
  if (!('task' in draw)) return draw;
  const { task, off, ...what } = draw;
  const taskId = `t${task % run.tasks.length}`;
  const attempt = (run.attempt[taskId] ?? 0) + off + (what.kind === 'retry' ? 1 : 0);
  const target = { taskId, attempt: Math.max(1, attempt) };
  return what.kind === 'policy-of-task' ? { ...what, kind: 'policy', ...target } : { ...what, ...target };
}
const steps = fc.array(fc.tuple(draws, fc.constantFrom(0, 1, 400, 3_000)), { maxLength: 70 });

/** The product and its naive twin, moved together. */
class Twins {
  readonly run: RunUnderTest;
  readonly naive: NaiveRun;
  readonly done: Asked[] = [];

  constructor(tasks: readonly PlanTask[]) {
    this.run = RunUnderTest.requested(...tasks);
    this.run.watch = expectCountsFromScratch;
    this.naive = new NaiveRun(tasks, PRICES.microUsdPerSecond.small);
  }

  move(move: Move): void {
    const expected = this.naive.move(move, this.run.nowMs);
    const command = asked(move);
    const decision = this.run.send(command);
    const came = decision.kind === 'refused' ? 'refused' : decision.events.length > 0 ? 'changed' : 'same';
    expect({ move, result: came }).toEqual({ move, result: expected });
    // to start is the one thing that may be done twice: another lease in between makes it new
    if (came === 'changed' && move.kind !== 'begin') this.done.push(command);
    this.compare();
  }

  /** Any command that took effect before takes none again. */
  again(nth: number): void {
    const command = this.done[nth % Math.max(1, this.done.length)];
    if (command === undefined) return;
    const decision = this.run.decide(command);
    expect(decision.kind === 'refused' || decision.events.length === 0).toBe(true);
  }

  compare(): void {
    const { run, naive } = this;
    const phases = Object.fromEntries(naive.tasks.map(({ id }) => [id, ['scheduled', 'started'].includes(run.phase(id) ?? '') ? 'open' : run.phase(id)]));
    expect(phases).toEqual(naive.status);
    expect(run.skipped()).toEqual(naive.skipReason);
    expect(run.state).toMatchObject({ phase: naive.run, counts: naive.counts(), costMicroUsd: naive.costMicroUsd });
    expect(run.state.verdict).toBe(naive.verdict);
  }
}

function expectCountsFromScratch({ state, history }: RunUnderTest): void {
  const tasks = state.request?.tasks ?? [];
  const phaseOf = (id: string) => state.tasks.get(id)?.phase as string;
  const final = ['succeeded', 'failed', 'timed-out', 'skipped', 'cancelled'];
  const ready = tasks.filter(({ id, needs }) => phaseOf(id) === 'waiting' && needs.every((need) => phaseOf(need) === 'succeeded')).map(({ id }) => id);
  expect([...state.ready].sort()).toEqual(state.phase === 'ended' ? [] : ready.sort());
  expect(state.openCount).toBe(tasks.filter(({ id }) => ['scheduled', 'started'].includes(phaseOf(id))).length);
  expect(state.unfinishedCount).toBe(tasks.filter(({ id }) => !final.includes(phaseOf(id))).length);
  expect(state.revision).toBe(history.length - 1);
}

/** What the dispatcher and the runners would do next, all going well; the limit of the run is never needed. */
function nextOf(run: RunUnderTest, naive: NaiveRun): Move | undefined {
  const all = [...run.open.values()];
  const intent = all.find(({ kind }) => kind !== 'timer') ?? all.find((one) => one.kind === 'timer' && ['retry-due', 'cancel-grace'].includes(one.timer.kind));
  return intent === undefined ? undefined : moveFor(intent, run, naive);
}

function moveFor(intent: Intent, run: RunUnderTest, naive: NaiveRun): Move {
  switch (intent.kind) {
    case 'policy-check': {
      const [, taskId = null, attempt = '0'] = intent.checkId.split('/');
      return { kind: 'policy', taskId, attempt: Number(attempt), allow: true, deadline: false };
    }
    case 'task': {
      const { taskId, attempt } = intent;
      const fenced = naive.tasks.some((task) => task.id === taskId && task.fenced);
      if (fenced && !naive.begun.has(taskId)) return { kind: 'begin', taskId, attempt, lease: 'lease-1' };
      return { kind: 'report', taskId, attempt, how: 'succeeded', lease: fenced ? (naive.lease[taskId] ?? null) : null, durationMs: 1, unseen: false };
    }
    case 'schedule-more':
      return { kind: 'continue' };
    case 'timer': {
      run.nowMs = Math.max(run.nowMs, Date.parse(intent.dueAt));
      return intent.timer.kind === 'retry-due' ? { ...intent.timer, kind: 'retry' } : { kind: 'grace' };
    }
  }
}

function expectSoundHistory({ history, state }: RunUnderTest): void {
  const types = history.map(({ event }) => event.type);
  const ends = types.filter((type) => type === 'execution.completed.v1' || type === 'execution.denied.v1');
  expect(ends).toHaveLength(1);
  expect(types.at(-1)).toBe(ends[0]);
  const succeeded = new Set<string>();
  for (const { event } of history) {
    if (event.type === 'execution.task-succeeded.v1') {
      expect(succeeded.has(event.data.taskId)).toBe(false);
      succeeded.add(event.data.taskId);
    }
    if (event.type !== 'execution.task-scheduled.v1' && event.type !== 'execution.task-policy-check-requested.v1') continue;
    const needs = state.shape?.byId.get(event.data.taskId)?.needs ?? [];
    expect(needs.filter((need) => !succeeded.has(need))).toEqual([]);
  }
  const replayed = history.reduce(evolveExecution, initialExecution());
  expect(replayed).toEqual(state);
}

describe('any run, whatever happens to it', () => {
  it('does what a naive simulation does, ends exactly once, leaves nothing open, and replays to the same state', () => {
    const verdicts = new Set<string | undefined>();
    fc.assert(
      fc.property(plans, fc.integer({ min: 0, max: 9 }), steps, (tasks, first, drawn) => {
        const twins = new Twins(tasks);
        if (first > 0) twins.move({ kind: 'policy', taskId: null, attempt: 0, allow: true, deadline: false });
        for (const [draw, laterMs] of drawn) {
          twins.run.nowMs += laterMs;
          if (draw.kind === 'again') twins.again(draw.nth);
          else twins.move(aimed(draw, twins.naive));
        }
        for (let left = 500; twins.run.state.phase !== 'ended'; left--) {
          const next = nextOf(twins.run, twins.naive);
          if (next === undefined || left === 0) throw new Error(`the run hangs with ${[...twins.run.open.keys()].join(', ')} open`);
          twins.move(next);
        }
        expectSoundHistory(twins.run);
        verdicts.add(twins.run.state.verdict);
        expect([...twins.run.open.keys()]).toEqual([]);
        for (let nth = 0; nth < twins.done.length; nth++) twins.again(nth);
      }),
      { numRuns: 400 },
    );
    // a floor: where some ending never came up, the moves were not random enough to prove anything
    expect([...verdicts].sort()).toEqual(['cancelled', 'denied', 'failed', 'succeeded', 'timed-out']);
  });
});
