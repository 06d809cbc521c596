import type { Bug } from './bug.ts';

/** Every bug of the product that was found on the way, oldest last. */
export const BUGS: readonly Bug[] = [
  {
    id: 'projector-ends-at-first-fault',
    what: 'one failed look at the read models at the start, or while rows were made anew, ended the projector: lists stood still until a restart',
    foundBy: 'simulation',
    fixedIn: 'fix(runtime): the projector waits out a fault that comes before its first event',
    kept: { kind: 'spec', file: 'libs/runtime/src/work/project-views.spec.ts', test: 'come up, and are made anew when asked, through a fault at the first call' },
    plant: [{ file: 'libs/runtime/src/work/project-views.ts', find: 'if (!isFault(error) || !error.retryable) throw error;', put: 'throw error;' }],
  },
];
