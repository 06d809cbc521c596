import { setTimeout as delay } from 'node:timers/promises';
import { leaderOfEvents } from './leader-of-events.ts';
import { sql } from './psql.ts';
import type { Scenario, Surroundings } from './scenario.ts';

const DOWN_MIN_MS = 200;
const DOWN_MAX_MS = 2_000;
const BETWEEN_MS = 4_000;
const S3_DOWN_MS = 60_000;
/** Runs that have to end while the object store is down. */
const ENDED_MIN = 5;
/** Keys are not folded from events: what is lost of them is lost. */
const KEPT_TABLES = /^(key_pool|data_key|key_vault_migration.*)$/;

/** SIGKILL to a server, which comes back on its data after a moment. */
async function killServer({ site, random, count }: Surroundings, name: string): Promise<number> {
  for (let times = 0; times < count; times++) {
    await site.kill(name);
    await delay(DOWN_MIN_MS + random() * (DOWN_MAX_MS - DOWN_MIN_MS));
    await site.startReady(name);
    await delay(BETWEEN_MS);
  }
  return count;
}

/** SIGKILL to the server that leads the events, which are on JetStream then; another one has to take over. */
async function killNatsLeader({ site, random, count }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    const leader = await leaderOfEvents(site, random);
    await site.kill(leader);
    await delay(DOWN_MIN_MS + random() * (DOWN_MAX_MS - DOWN_MIN_MS));
    await site.startReady(leader);
    await delay(BETWEEN_MS);
  }
  return count;
}

/** No receipt can be kept meanwhile; runs have to end all the same. */
async function s3Down({ site, load, count, tell }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    await site.kill('s3');
    const before = load.verdicts.size;
    await delay(S3_DOWN_MS);
    const ended = load.verdicts.size - before;
    if (ended < ENDED_MIN) throw new Error(`${ended} runs ended while the object store was down; ${ENDED_MIN} are needed`);
    tell(`${ended} runs ended while the object store was down`);
    await site.startReady('s3');
  }
  return count;
}

/** Everything in Postgres that is folded from events, gone under load: process state, read models, leases. Keys of values stay. */
async function loseReadDatabase({ site, count }: Surroundings): Promise<number> {
  for (let times = 0; times < count; times++) {
    const tables = (await sql(site.servers.postgresUrl, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).split('\n');
    const lost = tables.filter((table) => table !== '' && !KEPT_TABLES.test(table));
    if (lost.length < 3) throw new Error(`Postgres has the tables ${tables.join(', ')}; expected process state, read models and leases`);
    await sql(site.servers.postgresUrl, `DROP TABLE ${lost.map((table) => `"${table}"`).join(', ')} CASCADE`);
    await delay(BETWEEN_MS);
  }
  return count;
}

export const SERVER_FAULTS: readonly Scenario[] = [
  { name: 'kill-nats', fault: 'kill -9 of nats-server', floor: { ci: 2, full: 10 }, harm: (around) => killServer(around, 'nats') },
  { name: 'kill-postgres', fault: 'kill -9 of Postgres', floor: { ci: 1, full: 10 }, harm: (around) => killServer(around, 'postgres') },
  { name: 'lose-read-database', fault: 'everything in Postgres that events make is gone', floor: { ci: 1, full: 3 }, harm: loseReadDatabase },
  { name: 's3-down', fault: 'object store is down', floor: { ci: 1, full: 3 }, harm: s3Down },
];

/** For a cluster of three NATS servers that hold the events. */
export const NATS_CLUSTER_FAULTS: readonly Scenario[] = [
  { name: 'kill-nats-leader', fault: 'kill -9 of the leader of a JetStream cluster', floor: { ci: 2, full: 10 }, harm: killNatsLeader },
];
