import { setTimeout as delay } from 'node:timers/promises';
import { LINK_FAULTS } from './link.ts';
import type { Scenario, Surroundings } from './scenario.ts';

const HARM_MIN_MS = 500;
const HARM_MAX_MS = 4_000;
const BETWEEN_MS = 500;

/**
 * One kind of fault after the other on the link between one process and one server, drawn anew each time. It counts where
 * bytes or connections were harmed; links that nothing passes are drawn again.
 */
async function harmLinks({ site, random, count, tell }: Surroundings): Promise<number> {
  const took = new Map<string, number>();
  for (let times = 0, draws = 0; times < count; draws++) {
    const fault = LINK_FAULTS[draws % LINK_FAULTS.length] ?? 'cut';
    const used = [...site.links.values()].filter(({ isUsed }) => isUsed);
    const link = used[Math.floor(random() * used.length)];
    if (link === undefined) throw new Error('nothing passes the links of this cluster');
    const before = link.harmed;
    link.harm(fault);
    await delay(HARM_MIN_MS + random() * (HARM_MAX_MS - HARM_MIN_MS));
    link.heal();
    if (link.harmed === before) continue;
    times += 1;
    took.set(fault, (took.get(fault) ?? 0) + 1);
    await delay(BETWEEN_MS);
  }
  tell(`links: ${[...took].map(([fault, times]) => `${fault} ${times}`).join(', ')}`);
  return count;
}

export const LINK_SCENARIOS: readonly Scenario[] = [
  { name: 'links', fault: 'link of a role and a server is cut, slow, half open or parted', floor: { ci: 12, full: 36 }, harm: harmLinks },
];
