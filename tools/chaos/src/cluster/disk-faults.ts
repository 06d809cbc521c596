import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.ts';
import { TABLES_DISK } from './cluster-site.ts';
import { leaderOfEvents } from './leader-of-events.ts';
import { sql } from './psql.ts';
import type { Scenario, Surroundings } from './scenario.ts';

const FULL_FOR_MS = 5_000;
const BETWEEN_MS = 3_000;
const NOTICED_MAX_MS = 30_000;
const NO_SPACE = /no space left on device/i;

/**
 * The disk of the server that leads the events is full. It gives up its streams, and takes them up again when it is started
 * anew on a disk with space, as its operator has to do; until then the others go on.
 */
async function fillNats({ site, random, count }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    const leader = await leaderOfEvents(site, random);
    const { log } = site.member(leader);
    const before = readFileSync(log, 'utf8').length;
    await site.disks.fill(leader);
    await eventually(`${leader} notices that its disk is full`, NOTICED_MAX_MS, () => NO_SPACE.test(readFileSync(log, 'utf8').slice(before)));
    await delay(FULL_FOR_MS);
    await site.disks.free(leader);
    await site.kill(leader);
    await site.startReady(leader);
    await delay(BETWEEN_MS);
  }
  return count;
}

/** No table of Postgres can grow: neither process state, nor read models, nor keys. */
async function fillPostgres({ site, count }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    await site.disks.fill(TABLES_DISK);
    const said = await sql(site.servers.postgresUrl, "CREATE TABLE filler AS SELECT repeat('x', 2000) FROM generate_series(1, 5000)").catch((error: unknown) => String(error));
    if (!NO_SPACE.test(said)) throw new Error(`the disk of Postgres is not full: ${said}`);
    await delay(FULL_FOR_MS);
    await site.disks.free(TABLES_DISK);
    await delay(BETWEEN_MS);
  }
  return count;
}

export const DISK_FAULTS: readonly Scenario[] = [
  { name: 'full-postgres', fault: 'disk of Postgres is full', floor: { ci: 1, full: 5 }, harm: fillPostgres },
  { name: 'full-nats', fault: 'disk of the NATS server that leads the events is full', floor: { ci: 1, full: 5 }, harm: fillNats },
];
