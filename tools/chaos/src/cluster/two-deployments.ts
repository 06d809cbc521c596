import { freePorts } from '@maestro/cli/cluster';
import type { Member, MemberPlan } from '@maestro/cli/cluster';
import { ClientLoad, answerOf } from '../client-load.ts';
import { within } from '../eventually.ts';
import { checkHistory } from '../history-checker.ts';
import { WORKFLOWS, mixedWork } from '../kill/mixed-work.ts';
import { jsonOf } from '../rest-client.ts';
import { ApiClients } from './api-clients.ts';
import { clusterEvents } from './cluster-events.ts';
import { sql } from './psql.ts';
import type { Scenario, Surroundings } from './scenario.ts';

const PREFIX = 'other';
const NAME = 'other-1';
const ALL_ROLES = 'api,command,policy,runner,projector,receipt';
const GRACE_MS = 120_000;

/**
 * A second deployment on the same NATS, event store and bucket, with a prefix and a database of its own: the same
 * workflows, the same keys of commands at the same time. Each history must hold its own runs and no others, and neither
 * knows a run of the other.
 */
async function besideAnother({ site, load, origin, keyPrefix, count, inFlight }: Surroundings): Promise<number> {
  await sql(site.servers.postgresUrl, `CREATE DATABASE ${PREFIX}`);
  const [port = 0, opsPort = 0] = await freePorts(2);
  site.add(otherPlan(site.member('api-1'), { port, opsPort, postgresUrl: site.servers.postgresUrl.replace(/\/[^/]*$/, `/${PREFIX}`) }));
  const clients = await ApiClients.connect([`http://127.0.0.1:${port}`], site.servers.natsUrl, PREFIX);
  // the same keys as the first deployment sees
  const other = new ClientLoad(clients, { inFlight, keyPrefix, work: mixedWork(origin, 'other-') });
  try {
    await site.ready(NAME);
    for (const manifest of WORKFLOWS) {
      jsonOf(await clients.next().saveDraft(manifest));
      jsonOf(await clients.next().publish(manifest.name));
    }
    other.start();
    await within(() => `${other.acknowledgedCommands.length} of ${count} commands are acknowledged by the other deployment`, GRACE_MS, other.acknowledged(count));
    await within(() => `${other.openCount} runs of the other deployment are open`, GRACE_MS, other.finish());
    // ids of runs come from keys: those of keys that both saw are the same
    const theirs = new Set(other.answers.map(({ executionId }) => executionId));
    const mine = load.answers.find(({ executionId }) => !theirs.has(executionId));
    const { status } = await clients.next().get(`/api/executions/${mine?.executionId}`);
    if (mine !== undefined && status !== 404) throw new Error(`the other deployment answers ${status} to a question about a run of the first`);
    const commands = other.acknowledgedCommands.filter(({ executionId }) => executionId === '');
    const claims = { answers: other.answers.map(answerOf), commands, observed: other.observed, verdicts: new Map<string, string>(), isSettled: false, operationsMin: 1 };
    const { violations, counts } = checkHistory(await clusterEvents(site.servers, PREFIX), claims);
    if (violations.length > 0) throw new Error(`the other deployment: ${JSON.stringify(violations[0])}`);
    if (counts.runs !== other.answers.length) throw new Error(`the other deployment has ${counts.runs} runs; ${other.answers.length} were asked of it`);
    return other.acknowledgedCommands.length;
  } finally {
    other.abandon();
    await clients.close();
    await site.remove(NAME);
  }
}

function otherPlan(api: Member, o: { readonly port: number; readonly opsPort: number; readonly postgresUrl: string }): MemberPlan {
  const own = ['--role', ALL_ROLES, '--name', NAME, '--port', String(o.port), '--ops-port', String(o.opsPort), '--prefix', PREFIX, '--public-url', `http://127.0.0.1:${o.port}`];
  const args = [...withoutFlag(api.args, '--role'), ...own];
  return {
    ...api,
    name: NAME,
    args,
    environment: { ...api.environment, MAESTRO_POSTGRES_URL: o.postgresUrl },
    log: api.log.replace('api-1', NAME),
    ready: { url: `http://127.0.0.1:${o.opsPort}/readyz` },
    url: `http://127.0.0.1:${o.port}`,
  };
}

/** Roles that are named twice add up. */
function withoutFlag(args: readonly string[], flag: string): readonly string[] {
  const at = args.indexOf(flag);
  return at < 0 ? args : [...args.slice(0, at), ...args.slice(at + 2)];
}

export const DEPLOYMENT_FAULTS: readonly Scenario[] = [
  { name: 'two-deployments', fault: 'command of another deployment on the same servers', floor: { ci: 50, full: 200 }, harm: besideAnother },
];
