import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario, Surroundings } from './scenario.ts';

/** Between two kills: enough that clients notice, not enough that all is well again. */
const KILL_EVERY_MIN_MS = 300;
const KILL_EVERY_MAX_MS = 1_500;

/**
 * SIGKILL to processes that are ready, one after the other; each is started again at once, and nobody waits for it.
 * At least half of the processes live at any time: with all of them down, nothing is in flight.
 */
async function killRoles({ site, random, count, tell }: Surroundings, role?: string): Promise<number> {
  const all = site.rolesOf().length;
  const killed = new Map<string, number>();
  for (let kills = 0; kills < count; ) {
    await delay(KILL_EVERY_MIN_MS + random() * (KILL_EVERY_MAX_MS - KILL_EVERY_MIN_MS));
    const ready = await site.readyRoles();
    const candidates = ready.filter((name) => role === undefined || name.startsWith(`${role}-`));
    const victim = candidates[Math.floor(random() * candidates.length)];
    if (victim === undefined || ready.length < all / 2) continue;
    await site.kill(victim);
    site.start(victim);
    kills += 1;
    const [of = victim] = victim.split('-');
    killed.set(of, (killed.get(of) ?? 0) + 1);
  }
  tell(`kills: ${[...killed].map(([name, times]) => `${name} ${times}`).join(', ')}`);
  return count;
}

export const PROCESS_FAULTS: readonly Scenario[] = [
  { name: 'kill-runner', fault: 'kill -9 of a runner', floor: { ci: 1, full: 10 }, harm: (around) => killRoles(around, 'runner') },
  { name: 'kill-role', fault: 'kill -9 of a process of any role', floor: { ci: 60, full: 200 }, harm: (around) => killRoles(around) },
];
