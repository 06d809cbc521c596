import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import { WIRE_FAULTS } from './faulty-proxy.ts';
import { harmNetwork } from './harm-network.ts';
import type { NetworkPlan } from './harm-network.ts';

const USAGE = `usage: ./maestro chaos network [--faults N] [--acknowledged N] [--clients N] [--seed TEXT]
  --faults        faults of each kind that must have taken effect (default 40)
  --acknowledged  commands that must be acknowledged meanwhile (default 500)
  --clients       clients at work at once (default 24)
  --seed          draws faults and moments (default: the time)
A proxy between clients and a real conductor cuts, delays, slices, doubles and silences connections, and parts both sides.
`;
const USAGE_EXIT = 64;

/** Faults between clients and one conductor; then the history against what clients were told. Answers the exit code. */
export async function runNetwork(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { faults: text, acknowledged: text, clients: text, seed: text, help: { type: 'boolean' } } });
  const plan = { faultsMin: Number(values.faults ?? 40), acknowledgedMin: Number(values.acknowledged ?? 500), clients: Number(values.clients ?? 24), seed: values.seed ?? String(Date.now()) };
  if (values.help === true || ![plan.faultsMin, plan.acknowledgedMin, plan.clients].every((n) => Number.isSafeInteger(n) && n > 0)) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : USAGE_EXIT;
  }
  process.stdout.write(`network: seed ${plan.seed}\n`);
  const dir = await mkdtemp(join(tmpdir(), 'maestro-network-'));
  try {
    return await run({ ...plan, dataDir: join(dir, 'data') });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function run(plan: NetworkPlan): Promise<number> {
  const from = performance.now();
  const { figures, violations: found } = await harmNetwork(plan);
  const violations = [...found];
  for (const fault of [...WIRE_FAULTS, 'partition'] as const) {
    const count = figures.faults[fault] ?? 0;
    if (fault !== 'partition' && count < plan.faultsMin) violations.push(`${count} faults of kind ${fault}, ${plan.faultsMin} are needed`);
  }
  if (figures.acknowledged < plan.acknowledgedMin) violations.push(`${figures.acknowledged} commands were acknowledged, ${plan.acknowledgedMin} are needed`);
  const { seed, faultsMin, acknowledgedMin } = plan;
  const seconds = Math.round((performance.now() - from) / 1_000);
  const result = { harness: 'network', seed, seconds, figures, floors: { faultsOfEachKind: faultsMin, acknowledged: acknowledgedMin }, violations };
  process.stdout.write(`network: ${Object.entries(figures.faults).map(([name, count]) => `${name} ${count}`).join(', ')}\n`);
  process.stdout.write(`network: ${figures.resent} commands sent again, longest stall of a client ${figures.stallMaxMs} ms, ${figures.healMs} ms from the last fault until all was done\n`);
  for (const violation of violations.slice(0, 20)) process.stdout.write(`violation: ${violation}\n`);
  process.stdout.write(`figures in ${writeHarnessResult(result)}\n`);
  process.stdout.write(`network: ${figures.faultCount} faults, ${figures.acknowledged} acknowledged commands, ${figures.receiptsVerified} receipts verified, ${seconds} s, ${violations.length} violations\n`);
  return exitCodeOf(result);
}
