import { join } from 'node:path';
import { ClientLoad, answerOf } from '../client-load.ts';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { eventually, inParallel, within } from '../eventually.ts';
import { checkHistory } from '../history-checker.ts';
import { WORKFLOWS, mixedWork } from '../kill/mixed-work.ts';
import { openOutsideService } from '../outside-service.ts';
import type { OutsideService } from '../outside-service.ts';
import { RestClient, jsonOf } from '../rest-client.ts';
import { seededRandom } from '../seeded-random.ts';
import { storedEvents } from '../stored-events.ts';
import { FaultyProxy, WIRE_FAULTS } from './faulty-proxy.ts';

export type NetworkPlan = { readonly faultsMin: number; readonly acknowledgedMin: number; readonly clients: number; readonly seed: string; readonly dataDir: string };

export type NetworkFigures = {
  readonly faults: { readonly [kind: string]: number };
  readonly faultCount: number;
  readonly acknowledged: number;
  readonly resent: number;
  readonly runs: number;
  readonly receiptsVerified: number;
  readonly stallMaxMs: number;
  /** from the last fault until everything that was begun had ended */
  readonly healMs: number;
};

const ANSWER_MAX_MS = 2_000;
const PART_EVERY_MS = 3_000;
const PART_MS_MAX = 1_500;
/** Under faults at most so long, whatever took effect by then. */
const HARM_MAX_MS = 240_000;
const GRACE_MS = 120_000;
const WIDTH = 8;

/**
 * One conductor behind a network that does what networks do.
 * W1. Faults go on until each kind took effect often enough and enough was acknowledged meanwhile, or time is over.
 * W2. Clients send again with the same key until they are answered, and take up a tail where it broke.
 * W3. Then the network is sound: everything ends, every command is asked again directly, every receipt is verified.
 */
export async function harmNetwork(plan: NetworkPlan): Promise<{ readonly figures: NetworkFigures; readonly violations: readonly string[] }> {
  const random = seededRandom(`network/${plan.seed}`);
  const outside = await openOutsideService();
  const port = await freePort(random);
  const proxy = await FaultyProxy.open(port, random);
  let conductor: ConductorProcess | undefined;
  try {
    const flags = ['--allow-origin', outside.origin, '--allow-host', new URL(proxy.url).host];
    conductor = await ConductorProcess.start({ dataDir: plan.dataDir, port, flags });
    return await harmAndJudge(plan, { outside, conductor, proxy, random });
  } finally {
    await proxy.close();
    conductor?.clear();
    await outside.close();
  }
}

type Site = { readonly outside: OutsideService; readonly conductor: ConductorProcess; readonly proxy: FaultyProxy; readonly random: () => number };

async function harmAndJudge(plan: NetworkPlan, site: Site): Promise<Awaited<ReturnType<typeof harmNetwork>>> {
  const direct = new RestClient(site.conductor.url);
  const client = new RestClient(site.proxy.url, ANSWER_MAX_MS);
  const load = new ClientLoad(client, { inFlight: plan.clients, keyPrefix: `network-${plan.seed}`, work: mixedWork(site.outside.origin) });
  try {
    for (const manifest of WORKFLOWS) {
      jsonOf(await direct.saveDraft(manifest));
      jsonOf(await direct.publish(manifest.name));
    }
    load.start();
    await harm(plan, site, load);
    const acknowledged = load.acknowledgedCommands.length;
    const healedAt = performance.now();
    site.proxy.heal();
    await within(() => `${load.openCount} pieces of work are still open though the network is sound`, GRACE_MS, load.finish());
    const healMs = Math.round(performance.now() - healedAt);
    return await judge(plan, site, { load, direct, acknowledged, healMs });
  } finally {
    load.abandon();
    await Promise.all([client.close(), direct.close()]);
  }
}

async function harm({ faultsMin, acknowledgedMin }: NetworkPlan, { proxy, random }: Site, load: ClientLoad): Promise<void> {
  const end = performance.now() + HARM_MAX_MS;
  const isEnough = (): boolean => load.acknowledgedCommands.length >= acknowledgedMin && WIRE_FAULTS.every((fault) => (proxy.counts.get(fault) ?? 0) >= faultsMin);
  while (!isEnough() && performance.now() < end) {
    // a load that failed ends this, too
    await Promise.race([new Promise((resolve) => setTimeout(resolve, PART_EVERY_MS)), load.acknowledged(Infinity)]);
    await proxy.part(random() * PART_MS_MAX);
  }
}

async function judge(plan: NetworkPlan, { conductor, proxy }: Site, end: { load: ClientLoad; direct: RestClient; acknowledged: number; healMs: number }): Promise<Awaited<ReturnType<typeof harmNetwork>>> {
  const { load, direct, acknowledged, healMs } = end;
  const { acknowledgedCommands: sent, answers, observed } = load;
  const again = await inParallel(sent, WIDTH, (one) => load.repeat(one));
  const violations = sent.flatMap((one, i) => (again[i]?.commandId === one.commandId && again[i].executionId === one.executionId ? [] : [`REPEATED_OTHERWISE ${one.path}: ${one.key} is answered otherwise when it is asked again`]));
  const verdicts = new Map(await inParallel(answers, WIDTH, async ({ executionId }) => [executionId, await verdictOf(direct, executionId)] as const));
  const exitCode = await conductor.stop();
  if (exitCode !== 0) violations.push(`the conductor ended with ${exitCode}: ${conductor.said()}`);
  const commands = sent.filter(({ executionId }) => executionId === '');
  const claims = { answers: answers.map(answerOf), commands, observed, verdicts, isSettled: true, operationsMin: Math.min(plan.clients, plan.acknowledgedMin) };
  const report = checkHistory(await storedEvents(join(plan.dataDir, 'events.db')), claims);
  violations.push(...report.violations.map(({ code, where, detail }) => `${code} ${where}: ${detail}`));
  const faults = Object.fromEntries([...proxy.counts].sort());
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const receiptsVerified = [...verdicts.values()].filter((verdict) => verdict === 'VERIFIED').length;
  return { figures: { faults, faultCount, acknowledged, resent: load.resentCount, runs: report.counts.runs, receiptsVerified, stallMaxMs: Math.round(load.stall.ms), healMs }, violations };
}

async function verdictOf(client: RestClient, executionId: string): Promise<string> {
  const path = `/api/executions/${executionId}`;
  await eventually(`the receipt of ${executionId}`, GRACE_MS, async () => (await client.get(`${path}/receipt`)).status === 200);
  return jsonOf<{ verdict: string }>(await client.get(`${path}/verify`)).verdict;
}
