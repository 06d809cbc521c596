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
    plant: [{ file: 'libs/runtime/src/dispatch/dispatcher.ts', find: 'share === undefined ? dueByWallClock(clock) : new DueSinceSeen(clock)', put: 'share === undefined ? new DueSinceSeen(clock) : dueByWallClock(clock)' }],
  },
  {
    id: 'verifier-says-it-fails',
    what: 'one fault while many receipts waited to be verified kept a receipt process from being ready for minutes, though it worked; each further one began the batch anew',
    foundBy: 'faults on clusters',
    fixedIn: 'fix(runtime): verification of receipts works as soon as it has looked at one',
    kept: { kind: 'spec', file: 'libs/runtime/src/work/verify-receipts.spec.ts', test: 'are said to be looked at again with the first one after a fault that passed' },
    plant: [{ file: 'libs/runtime/src/work/verify-receipts.ts', find: 'this.#d.supervision?.loops.works(this.#name);', put: '' }],
  },
];
