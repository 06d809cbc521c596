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
];
