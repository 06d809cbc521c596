import { setTimeout as delay } from 'node:timers/promises';
import { textOfStall } from '../persistent-client.ts';
import type { Stall } from '../persistent-client.ts';
import { clusterEvents } from './cluster-events.ts';
import type { ClusterSite } from './cluster-site.ts';
import type { Scenario, Surroundings } from './scenario.ts';
import { decisionsIn, takeoversMs } from './takeovers.ts';

/** Between two kills: enough that clients notice, not enough that all is well again. */
const KILL_EVERY_MIN_MS = 300;
const KILL_EVERY_MAX_MS = 1_500;
/** NATS hands work out again whose runner was silent for 30 s. */
const PAST_WORK_LEASE_MS = 35_000;
/** Leases of partitions end after 2 s, and so does the pin of an owner. */
const PAST_PARTITION_LEASE_MS = 8_000;
/** Long enough that whoever waits for a dead owner has been answered. */
const OWNER_AWAY_MS = 8_000;
/** What operators are promised for SIGTERM. */
const DRAIN_MAX_MS = 10_000;
const CLOCK_OFF_MS = 10 * 60_000;
const CLOCK_OFF_FOR_MS = 6_000;

const isSource = import.meta.url.endsWith('.ts');

/**
 * SIGKILL to processes that are ready, one after the other; each is started again at once, and nobody waits for it.
 * At least half of the processes live at any time: with all of them down, nothing is in flight.
 */
async function killRoles({ site, random, count, tell }: Surroundings): Promise<number> {
  const all = site.rolesOf().length;
  const killed = new Map<string, number>();
  for (let kills = 0; kills < count; ) {
    await delay(KILL_EVERY_MIN_MS + random() * (KILL_EVERY_MAX_MS - KILL_EVERY_MIN_MS));
    const ready = await site.readyRoles();
    const victim = ready[Math.floor(random() * ready.length)];
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

/**
 * SIGKILL to an owner of partitions, which stays away: whoever waits for one of its commands waits until another process has
 * taken them over, and then until that has worked off what piled up. How long both take depends on the machine, so it is told and
 * not judged.
 */
async function killOwners({ site, load, random, count, tell }: Surroundings): Promise<number> {
  const waits: Stall[] = [];
  const diedAtMs: number[] = [];
  for (let times = 0; times < count; times++) {
    const owners = site.rolesOf('command');
    const victim = owners[Math.floor(random() * owners.length)] ?? '';
    // what waits for something else has been answered by then
    await delay(PAST_PARTITION_LEASE_MS);
    load.takeStall();
    diedAtMs.push(Date.now());
    await site.kill(victim);
    await delay(OWNER_AWAY_MS);
    waits.push(load.stall);
    await site.startReady(victim);
  }
  const takeovers = takeoversMs(decisionsIn(await clusterEvents(site.servers)), diedAtMs);
  for (const [i, stall] of waits.entries()) tell(`all partitions decide again ${Math.round(takeovers[i] ?? 0)} ms after their owner died (promised are 5,000); longest wait of a command: ${Math.round(stall.ms)} ms for ${textOfStall(stall)}`);
  return count;
}

/** SIGSTOP, and SIGCONT when others have long taken over: it goes on as if nothing had happened, and must do no harm. */
async function stopPast({ site, random, count }: Surroundings, role: string, forMs: number): Promise<number> {
  for (let times = 0; times < count; times++) {
    const names = site.rolesOf(role);
    const victim = names[Math.floor(random() * names.length)] ?? '';
    site.signal(victim, 'SIGSTOP');
    await delay(forMs);
    site.signal(victim, 'SIGCONT');
  }
  return count;
}

/** SIGTERM to every process in turn, the next one when it is back. Throws where one takes longer to drain than is promised. */
async function restartAll({ site, count, tell }: Surroundings): Promise<number> {
  let longestMs = 0;
  let restarts = 0;
  while (restarts < count) {
    for (const name of site.rolesOf()) {
      const began = performance.now();
      await end(site, name);
      const tookMs = performance.now() - began;
      if (tookMs > DRAIN_MAX_MS) throw new Error(`${name} took ${Math.round(tookMs)} ms to drain; promised are ${DRAIN_MAX_MS}`);
      longestMs = Math.max(longestMs, tookMs);
      await site.startReady(name);
      restarts += 1;
    }
  }
  tell(`longest drain ${Math.round(longestMs)} ms`);
  return restarts;
}

/** SIGTERM, until it is gone. */
async function end(site: ClusterSite, name: string): Promise<void> {
  site.signal(name, 'SIGTERM');
  await site.gone(name, 2 * DRAIN_MAX_MS);
}

/** One process of each role in turn lives for a while with a wall clock that is off, ahead or behind. */
async function shiftClocks({ site, random, count }: Surroundings): Promise<number> {
  const roles = ['command', 'receipt', 'runner', 'projector', 'api', 'policy'];
  const first = Math.floor(random() * roles.length);
  for (let times = 0; times < count; times++) {
    const [name = ''] = site.rolesOf(roles[(first + times) % roles.length] ?? 'command');
    const off = random() < 0.5 ? -CLOCK_OFF_MS : CLOCK_OFF_MS;
    const preload = new URL(`./shifted-clock.${isSource ? 'ts' : 'js'}?off=${off}`, import.meta.url).href;
    await end(site, name);
    await site.startReady(name, (plan) => ({ ...plan, args: ['--import', preload, ...plan.args] }));
    await delay(CLOCK_OFF_FOR_MS);
    await end(site, name);
    await site.startReady(name, (plan) => ({ ...plan, args: plan.args.slice(2) }));
  }
  return count;
}

export const PROCESS_FAULTS: readonly Scenario[] = [
  { name: 'kill-role', fault: 'kill -9 of a process of any role', floor: { ci: 60, full: 200 }, harm: killRoles },
  { name: 'rolling-restart', fault: 'every role process is restarted in turn', floor: { ci: 11, full: 22 }, harm: restartAll },
  { name: 'runner-stopped', fault: 'runner is stopped past its lease, then goes on', floor: { ci: 1, full: 3 }, harm: (around) => stopPast(around, 'runner', PAST_WORK_LEASE_MS) },
  { name: 'kill-owner', fault: 'kill -9 of an owner of partitions, which stays away', floor: { ci: 1, full: 6 }, harm: killOwners },
  { name: 'owner-stopped', fault: 'owner of partitions is stopped past its lease, then goes on', floor: { ci: 1, full: 6 }, harm: (around) => stopPast(around, 'command', PAST_PARTITION_LEASE_MS) },
  { name: 'clock-off', fault: 'clock of one role is off by 10 minutes', floor: { ci: 1, full: 6 }, harm: shiftClocks },
];
