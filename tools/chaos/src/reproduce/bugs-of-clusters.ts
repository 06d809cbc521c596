import type { Bug } from './bug.ts';

/** Bugs that need several processes, or servers of others, to show. */
export const BUGS_OF_CLUSTERS: readonly Bug[] = [
  {
    id: 'cancelled-read-looks-whole',
    what: 'a read of EventStoreDB that was cut short because the connection was replaced looked whole: streams were set aside as damaged, acknowledged runs answered 404, receipts were never signed',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(adapter-eventstoredb): pages and versions that a race or a cancelled read made wrong',
    kept: { kind: 'spec', file: 'libs/adapters/eventstoredb/src/supervised-client.int.spec.ts', test: 'does not trust what was read through a client that was replaced meanwhile' },
    plant: [
      {
        file: 'libs/adapters/eventstoredb/src/supervised-client.ts',
        find: "if (o.kind === 'read' && held.retired.aborted) throw new CallFailure('unavailable', new Error('the client was replaced meanwhile'));",
        put: '',
      },
    ],
  },
  {
    id: 'dead-policy-denies',
    what: 'a policy process that died denied the runs whose checks it had in hand: they were handed out again after 30 s, when their deadline was over',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(adapter-jetstream): checks that a dead policy process held come again before their deadline',
    kept: { kind: 'spec', file: 'libs/adapters/jetstream/src/work-queue/work-streams.spec.ts', test: 'ends a check far before its deadline' },
    plant: [{ file: 'libs/adapters/jetstream/src/work-queue/work-streams.ts', find: "return kind === 'policy' ? Math.min(silenceMaxMs, POLICY_SILENCE_MAX_MS) : silenceMaxMs;", put: 'return silenceMaxMs;' }],
  },
  {
    id: 'clock-of-another-denies',
    what: 'a deadline that one process had set by its clock was looked at by the clock of another: with clocks ten minutes apart, runs were denied at once after a takeover, or waited ten minutes for a retry or the end of a cancel',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): timers of divided streams wait by time that passes, not by two wall clocks',
    kept: { kind: 'spec', file: 'libs/runtime/src/dispatch/two-clocks.spec.ts', test: 'has its whole time of 30 s, and no more, where that clock is' },
    plant: [
      { file: 'libs/runtime/src/dispatch/dispatcher.ts', find: 'share === undefined ? dueByWallClock(clock) : new DueSinceSeen(clock)', put: 'share === undefined ? new DueSinceSeen(clock) : dueByWallClock(clock)' },
      { file: 'libs/runtime/src/dispatch/due-times.ts', find: "timer.timer.kind === 'policy-deadline' ? checks.delayMs(timer) : ", put: '' },
    ],
  },
  {
    id: 'queue-denies',
    what: 'a check that waited for 30 s behind hundreds of others was denied as if policy were gone, though it answered all the while: part of a backlog failed when runners came back',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): a check in a queue is not denied',
    kept: { kind: 'spec', file: 'libs/runtime/src/dispatch/dispatcher-timers.spec.ts', test: 'of a check waits on while policy answers others, and for 30 s after the last answer' },
    plant: [{ file: 'libs/runtime/src/dispatch/dispatcher.ts', find: 'if (isAnswerOfPolicy(recorded)) this.#dueTimes.policyAnswered();', put: '' }],
  },
  {
    id: 'verifier-says-it-fails',
    what: 'one fault while many receipts waited to be verified kept a receipt process from being ready for minutes, though it worked; each further one began the batch anew',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): verification of receipts works as soon as it has looked at one',
    kept: { kind: 'spec', file: 'libs/runtime/src/work/verify-receipts.spec.ts', test: 'are said to be looked at again with the first one after a fault that passed' },
    plant: [{ file: 'libs/runtime/src/work/verify-receipts.ts', find: 'this.#d.supervision?.loops.works(this.#name);', put: '' }],
  },
  {
    id: 'takeover-chases-the-log',
    what: 'an owner of partitions began when the log had nothing newer, which under steady load may be never: after kill -9 of the one before, a partition had no owner for twenty seconds',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): an owner takes over under load, too',
    kept: { kind: 'spec', file: 'libs/runtime/src/follow-events.spec.ts', test: 'moves on where what comes is for others, and there is always more' },
    plant: [{ file: 'libs/runtime/src/follow-events.ts', find: 'this.#items += 1;', put: '' }],
  },
  {
    id: 'listener-hides-nobody',
    what: 'with a listener to everything on the server (`nats sub ">"`) an owner that asked for commands after their stream was deleted was told nothing, asked again for ever, and never made the stream again: commands of its partitions went unanswered',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(adapter-jetstream): a request that the server let pass in silence is looked into',
    kept: { kind: 'spec', file: 'libs/adapters/jetstream/src/pulls/pull.spec.ts', test: 'was not heard: what was asked may not be there' },
    plant: [{ file: 'libs/adapters/jetstream/src/pulls/pull.ts', find: "this.#drain('unheard')", put: "this.#drain('over')" }],
  },
  {
    id: 'folded-again-revokes',
    what: 'an event that the dispatcher folded again, as after a fault or a takeover, closed the work that it had itself opened: the running attempt was revoked, and the run ended as LOST_RUNNER',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): an event closes only what was opened before it',
    kept: { kind: 'spec', file: 'libs/runtime/src/dispatch/intent-book.spec.ts', test: 'closes nothing that an event itself or a later one opened' },
    plant: [{ file: 'libs/runtime/src/dispatch/intent-book.ts', find: 'intent.revision < revision && ', put: '' }],
  },
  {
    id: 'handed-over-still-fails',
    what: 'a share of the runs that was handed over while the object store was down, or whose receipts another owner gave, was said to wait for ever: the receipt process was never ready again',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): sealing fails only while something waits for it',
    kept: { kind: 'spec', file: 'libs/runtime/src/work/seal-receipts.spec.ts', test: 'and is not said to fail any more where it was stopped, as when its share is handed over' },
    plant: [{ file: 'libs/runtime/src/work/seal-receipts.ts', find: 'this.#d.supervision?.loops.stopped(this.#sealingName);', put: '' }],
  },
];
