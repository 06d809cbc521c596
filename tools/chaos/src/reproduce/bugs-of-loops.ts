import type { Bug } from './bug.ts';

/** Loops that ended or waited though they should not, receipts and lists that stood still, and what is kept for them. */
export const BUGS_OF_LOOPS: readonly Bug[] = [
  {
    id: 'projector-ends-at-first-fault',
    what: 'one failed look at the read models at the start, or while rows were made anew, ended the projector: lists stood still until a restart',
    foundBy: 'simulation',
    fixedIn: 'fix(runtime): the projector waits out a fault that comes before its first event',
    kept: { kind: 'spec', file: 'libs/runtime/src/work/project-views.spec.ts', test: 'come up, and are made anew when asked, through a fault at the first call' },
    plant: [{ file: 'libs/runtime/src/work/project-views.ts', find: 'if (!isFault(error) || !error.retryable) throw error;', put: 'throw error;' }],
  },
  {
    id: 'log-of-state-grows-for-ever',
    what: 'the log of the process state was never reset and grew by half a megabyte a second under load, until the process ended',
    foundBy: 'soak',
    fixedIn: 'fix(adapter-sqlite): the log of the process state is reset while a load is not read',
    kept: { kind: 'spec', file: 'libs/adapters/sqlite/src/process-state.int.spec.ts', test: 'resets its log however many loads were begun and never read' },
    plant: [
      {
        file: 'libs/adapters/sqlite/src/process-state.ts',
        find: "      this.#db.exec('BEGIN');\n",
        put: "      const left = new DatabaseSync(this.#file.path, { readOnly: true });\n      left.exec('BEGIN');\n      left.prepare('SELECT count(*) FROM rows').get();\n      process.once('exit', () => left.close());\n      this.#db.exec('BEGIN');\n",
      },
    ],
  },
  {
    id: 'policy-waits-and-says-it-works',
    what: 'the policy role was shown as running while its decisions could not be reported',
    foundBy: 'review',
    fixedIn: 'fix(runtime): policy and runner say rightly when they wait',
    kept: { kind: 'spec', file: 'libs/runtime/src/supervision/loops-of-a-process.spec.ts', test: 'say that they wait while decisions cannot be reported' },
    plant: [
      {
        file: 'libs/runtime/src/work/consume-policy-work.ts',
        find: "supervision?.loops.failing(NAME, error);\n      if (!isFault(error)) throw error;\n      return { kind: 'retry'",
        put: "supervision?.loops.works(NAME);\n      if (!isFault(error)) throw error;\n      return { kind: 'retry'",
      },
    ],
  },
  {
    id: 'damaged-event-stops-every-loop',
    what: 'one damaged event ended the dispatcher, the projector and the sealer, and a start on such a store failed',
    foundBy: 'bit flips',
    fixedIn: 'fix(adapter-sqlite): one damaged event no longer stops every loop',
    kept: { kind: 'spec', file: 'libs/adapters/sqlite/src/subscription-damage.int.spec.ts', test: 'a subscription passes over damaged and missing events' },
    plant: [{ file: 'libs/adapters/sqlite/src/subscription.ts', find: "if (isFault(error, 'STORE_DAMAGED')) return { fault: error };", put: '' }],
  },
  {
    id: 'commit-looks-like-damage',
    what: 'a commit between the two statements of one read looked like damage',
    foundBy: 'reads beside a writer',
    fixedIn: 'fix(adapter-sqlite): one read sees one state of the store',
    kept: { kind: 'spec', file: 'libs/adapters/sqlite/src/concurrent-reads.int.spec.ts', test: 'sees each commit whole or not at all' },
    plant: [
      { file: 'libs/adapters/sqlite/src/event-reader.ts', find: 'this.#begin.run();', put: '' },
      { file: 'libs/adapters/sqlite/src/event-reader.ts', find: 'this.#end.run();', put: '' },
    ],
  },
  {
    id: 'full-disk-ends-followers',
    what: 'one full disk ended the dispatcher, the projector and the sealer until the next start',
    foundBy: 'fault at every call',
    fixedIn: 'fix(runtime): followers wait out a fault that may pass, and set aside what they cannot read',
    kept: { kind: 'spec', file: 'libs/runtime/src/follow-events.spec.ts', test: 'waits out a handler whose fault may pass' },
    plant: [{ file: 'libs/runtime/src/follow-events.ts', find: 'if (!isFault(error) || !error.retryable) throw error;', put: 'throw error;' }],
  },
  {
    id: 'later-event-ends-followers',
    what: 'one event of a later release ended the dispatcher, the projector and the sealer at every start',
    foundBy: 'review',
    fixedIn: 'fix(runtime): followers wait out a fault that may pass, and set aside what they cannot read',
    kept: { kind: 'spec', file: 'libs/runtime/src/follow-events.spec.ts', test: 'sets a stream with an event of a later release aside by name' },
    plant: [{ file: 'libs/runtime/src/follow-events.ts', find: 'this.#setAside(stored.stream, error);\n      return [];', put: 'throw error;' }],
  },
  {
    id: 'unsealable-runs-hold-back-others',
    what: '64 runs of which no receipt can be made stopped all sealing',
    foundBy: 'review',
    fixedIn: 'fix(runtime): receipts of which none can be made hold back no others',
    kept: { kind: 'spec', file: 'libs/runtime/src/work/seal-receipts.spec.ts', test: 'past runs of which no receipt can be made, however many' },
    plant: [{ file: 'libs/runtime/src/work/seal-receipts.ts', find: "if (isFault(error) && (error.retryable || error.code === 'SIGNING_FAILED')) throw error;", put: 'throw error;' }],
  },
  {
    id: 'newest-refusals-go-first',
    what: 'after a restart any refusal could be the first to be forgotten, not the oldest',
    foundBy: 'review',
    fixedIn: 'fix(runtime): the oldest refusals go first, also after a restart',
    kept: { kind: 'spec', file: 'libs/runtime/src/commands/command-ledger.spec.ts', test: 'are bounded: the oldest go first, also after a restart' },
    plant: [{ file: 'libs/runtime/src/commands/command-ledger.ts', find: 'records.sort((a, b) => (a.at < b.at ? -1 : 1));', put: '' }],
  },
  {
    id: 'unreadable-cause-stored',
    what: 'a causation id of a wrong form was stored for ever, and made every later read set the stream aside',
    foundBy: 'review',
    fixedIn: 'fix(codec): a cause that no reader would accept is refused before it is stored',
    kept: { kind: 'spec', file: 'libs/codec/src/stored-form.spec.ts', test: 'a cause that no reader would accept' },
    plant: [{ file: 'libs/codec/src/stored-form.ts', find: 'checkStoredForm(prepared[0]);', put: '' }],
  },
];
