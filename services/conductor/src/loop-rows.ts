import type { LoopHealth } from '@maestro/runtime';
import type { ReadinessRow } from '@maestro/service-api';

/** One row per loop that goes on in the background. */
export function loopRows(loops: LoopHealth): readonly ReadinessRow[] {
  return loops.rows().map(({ name, state, detail, since }) => ({ name: `loop-${name}`, ok: state === 'running', detail: `${state} since ${since}${state === 'running' ? '' : `: ${detail}`}` }));
}
