import { parseArgs } from 'node:util';
import type { ClientLoad } from '../client-load.ts';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import { WORKFLOWS_OF_CLUSTERS } from '../kill/mixed-work.ts';
import { openOutsideService } from '../outside-service.ts';
import { jsonOf } from '../rest-client.ts';
import { ApiClients } from './api-clients.ts';
import { clusterResult, lineOfRound, lineOfRow } from './cluster-result.ts';
import { ClusterSite } from './cluster-site.ts';
import { FAMILIES, ROW_NAMES, familiesOf } from './families.ts';
import type { Family } from './families.ts';
import { keepTraces } from './kept-traces.ts';
import { NATS_USER } from './nats-calls.ts';
import { runRound } from './run-round.ts';
import type { RoundResult, RunOptions } from './run-round.ts';

const USAGE = `usage: ./maestro chaos cluster [--full] [--only NAME,…] [--in-flight N] [--seed TEXT]
  --full       the full counts: about an hour where CI takes a quarter of one
  --only       these rows: ${ROW_NAMES.join(', ')}
  --in-flight  runs in flight at any time (default 50)
  --seed       draws victims and moments (default: the time)
Starts local clusters of real servers, harms them by every row of the table under load, and holds what is left against what
clients were told. It needs nats-server, versitygw and Postgres, as ./maestro cluster does.
`;
const OPTIONS = { full: { type: 'boolean' }, only: { type: 'string' }, 'in-flight': { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } } as const;
const USAGE_EXIT = 64;
const INTERRUPTED_EXIT = 130;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const VIOLATIONS_TOLD = 20;

const say = (line: string): void => void process.stdout.write(`cluster: ${line}\n`);

/** Every fault of the table on local clusters. Answers the exit code. */
export async function runCluster(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const { full = false, only, seed = String(Date.now()) } = values;
  const inFlight = Number(values['in-flight'] ?? 50);
  const chosen = only === undefined ? FAMILIES : familiesOf(only.split(','));
  if (values.help === true || !(Number.isSafeInteger(inFlight) && inFlight > 0) || chosen === undefined) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : USAGE_EXIT;
  }
  say(`seed ${seed}`);
  const from = performance.now();
  const outside = await openOutsideService();
  const results: RoundResult[] = [];
  try {
    for (const family of chosen) results.push(...(await runFamily(family, { seed, isFull: full, inFlight, origin: outside.origin, tell: say, rowEnded: (row) => say(lineOfRow(row)) })));
  } finally {
    await outside.close();
  }
  const result = clusterResult({ seed, isFull: full, isPart: only !== undefined }, results, (performance.now() - from) / 1_000);
  if (only === undefined) process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  const { faultCount, acknowledged, receiptsVerified } = result.figures;
  say(`${results.flatMap(({ rows }) => rows).length} kinds of faults, ${String(faultCount)} faults, ${String(acknowledged)} acknowledged commands, ${String(receiptsVerified)} receipts verified, ${result.seconds} s, ${result.violations.length} violations`);
  return exitCodeOf(result);
}

/** One cluster, one round after the other on it. */
async function runFamily(family: Family, o: RunOptions): Promise<readonly RoundResult[]> {
  const began = performance.now();
  const site = await ClusterSite.start({ ...family.site, flags: ['--allow-origin', o.origin, '--nats-callers', NATS_USER], tell: () => undefined });
  const clients = await ApiClients.connect(site.apiUrls, site.servers.natsUrl);
  // members outlive whoever started them
  const end = (): void => void site.stop().finally(() => process.exit(INTERRUPTED_EXIT));
  for (const signal of SIGNALS) process.once(signal, end);
  const before: ClientLoad[] = [];
  const results: RoundResult[] = [];
  try {
    o.tell(`${family.name}: ${site.rolesOf().length} role processes are ready after ${Math.round((performance.now() - began) / 1_000)} s`);
    for (const manifest of WORKFLOWS_OF_CLUSTERS) {
      jsonOf(await clients.next().saveDraft(manifest));
      jsonOf(await clients.next().publish(manifest.name));
    }
    for (const round of family.rounds) {
      const result = await runRound(site, clients, round, before, o);
      o.tell(lineOfRound(result));
      for (const violation of result.violations.slice(0, VIOLATIONS_TOLD)) process.stdout.write(`violation: ${violation}\n`);
      results.push(result);
    }
    if (results.some(({ violations }) => violations.length > 0)) o.tell(`logs and history in ${await keepTraces(site)}`);
    return results;
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
    await clients.close();
    await site.stop();
  }
}
