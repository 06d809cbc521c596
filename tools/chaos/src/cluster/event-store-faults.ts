import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterSite } from './cluster-site.ts';
import type { Scenario, Surroundings } from './scenario.ts';

type DoubleStatus = { readonly nodes: readonly { readonly isLeader: boolean; readonly isAlive: boolean }[]; readonly error?: string };

const ELECTION_MS = 700;
/** Longer than one try of the client, shorter than its patience for most calls; now and then it is longer than both. */
const HANG_MIN_MS = 1_000;
const HANG_MAX_MS = 7_000;
const BETWEEN_MS = 1_500;
const REPLIES_MAX = 5;

/** Leaders change by an election, or because the leader dies. */
async function changeLeaders({ site, random, count }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    if (random() < 0.5) {
      await command(site, 'begin-election');
      await delay(ELECTION_MS);
      await command(site, 'move-leader');
      await delay(BETWEEN_MS);
      continue;
    }
    const leader = (await command(site, 'status')).nodes.findIndex(({ isLeader }) => isLeader);
    await command(site, `kill?node=${leader}`);
    await delay(ELECTION_MS);
    await command(site, 'move-leader');
    await delay(BETWEEN_MS);
    await command(site, `start?node=${leader}`);
  }
  return count;
}

async function hang({ site, random, count }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    await command(site, 'hang');
    await delay(HANG_MIN_MS + random() * (HANG_MAX_MS - HANG_MIN_MS));
    await command(site, 'resume');
    await delay(BETWEEN_MS);
  }
  return count;
}

/** Appends that are done and never answered, and connections that break: what became of them is unknown. */
async function loseReplies({ site, random, count }: Surroundings): Promise<number> {
  for (let lost = 0; lost < count; ) {
    const replies = 1 + Math.floor(random() * REPLIES_MAX);
    await command(site, `drop-replies?count=${replies}`);
    lost += replies;
    await delay(BETWEEN_MS);
    if (random() < 0.3) await command(site, 'drop-connections');
    if (random() < 0.3) await command(site, 'break-batches');
  }
  // what was not lost by now is not lost later either
  await command(site, 'drop-replies?count=0');
  return count;
}

/** Over the control port of the double. */
async function command(site: ClusterSite, path: string): Promise<DoubleStatus> {
  const answer = await fetch(`${site.member('esdb').url ?? ''}/${path}`, { method: 'POST' });
  const status = (await answer.json()) as DoubleStatus;
  if (!answer.ok) throw new Error(`the double does not ${path}: ${status.error ?? answer.status}`);
  return status;
}

export const EVENT_STORE_FAULTS: readonly Scenario[] = [
  { name: 'esdb-leader-change', fault: 'EventStoreDB changes its leader', floor: { ci: 2, full: 20 }, harm: changeLeaders },
  { name: 'esdb-hang', fault: 'EventStoreDB hangs for up to 7 s', floor: { ci: 1, full: 10 }, harm: hang },
  { name: 'esdb-lost-reply', fault: 'EventStoreDB appends and does not answer', floor: { ci: 20, full: 200 }, harm: loseReplies },
];
