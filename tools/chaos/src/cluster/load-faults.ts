import { ClientLoad } from '../client-load.ts';
import { within } from '../eventually.ts';
import { plainStarts } from '../kill/mixed-work.ts';
import type { Scenario, Surroundings } from './scenario.ts';

const GRACE_MS = 240_000;
/** Ten times what is in flight otherwise. */
const BACKLOG_TIMES = 10;
/** So many clients wait longer between two tries, as clients do that mean well. */
const RETRY_MAX_MS = 5_000;

/**
 * No runner takes anything while ten times the usual number of runs is asked for; then all runners come back. Every run of
 * the backlog has to end as it would have ended otherwise.
 */
async function pileUp({ site, clients, inFlight, keyPrefix, also, count }: Surroundings): Promise<number> {
  let begun = 0;
  for (let times = 1; begun < count; times++) {
    const runners = site.rolesOf('runner');
    for (const name of runners) site.signal(name, 'SIGSTOP');
    const width = BACKLOG_TIMES * inFlight;
    const backlog = new ClientLoad(clients, { inFlight: width, retryMaxMs: RETRY_MAX_MS, keyPrefix: `${keyPrefix}-pile-${times}`, work: plainStarts() });
    also.push(backlog);
    try {
      backlog.start();
      await within(() => `${backlog.answers.length} of ${width} runs of a backlog are accepted`, GRACE_MS, backlog.acknowledged(width));
      begun += backlog.openCount;
    } finally {
      for (const name of runners) site.signal(name, 'SIGCONT');
    }
    await within(() => `${backlog.openCount} runs of a backlog are open`, GRACE_MS, backlog.finish());
  }
  return begun;
}

export const LOAD_FAULTS: readonly Scenario[] = [
  { name: 'backlog', fault: 'run that waits in a backlog of ten times the load', floor: { ci: 200, full: 1_000 }, harm: pileUp },
];
