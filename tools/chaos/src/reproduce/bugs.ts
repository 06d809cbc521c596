import type { Bug } from './bug.ts';
import { BUGS_OF_CLUSTERS } from './bugs-of-clusters.ts';
import { BUGS_OF_DAMAGE } from './bugs-of-damage.ts';
import { BUGS_OF_EDGES } from './bugs-of-edges.ts';
import { BUGS_OF_LOOPS } from './bugs-of-loops.ts';
import { BUGS_OF_RUNS } from './bugs-of-runs.ts';

/** Every bug of the product that was found on the way and of which a case is kept. */
export const BUGS: readonly Bug[] = [...BUGS_OF_LOOPS, ...BUGS_OF_RUNS, ...BUGS_OF_DAMAGE, ...BUGS_OF_EDGES, ...BUGS_OF_CLUSTERS];
