import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyFolder } from '@maestro/verify';
import { ClientLoad, answerOf } from './client-load.ts';
import { ConductorProcess, freePort } from './conductor-process.ts';
import { eventually, inParallel, within } from './eventually.ts';
import { checkHistory } from './history-checker.ts';
import type { HistoryReport } from './history-checker.ts';
import { openOutsideService } from './outside-service.ts';
import type { OutsideService } from './outside-service.ts';
import type { Acknowledged, PersistentClient } from './persistent-client.ts';
import { exportReceiptSet, publicKeyPem } from './receipt-export.ts';
import { RestClient, jsonOf } from './rest-client.ts';
import { seededRandom } from './seeded-random.ts';
import { storedEvents } from './stored-events.ts';

const ROUNDS = 5;
const IN_FLIGHT = 50;
const KILL_AFTER_MIN_MS = 50;
const KILL_AFTER_MAX_MS = 1_000;
const GRACE_MS = 30_000;
const CHILD_GONE_MS = 5_000;
const OFFLINE_SAMPLE = 10;
const WIDTH = 16;
const FLAKY_EVERY = 4;
const TEST_MAX_MS = 150_000;

/** Four tasks: two in pooled children, one of which may fail at first; a wait; a value handed on, so policy is asked again. */
const MANIFEST = {
  name: 'survivor',
  version: '1.0.0',
  inputs: { n: 1, service: 'http://127.0.0.1:1/steady' },
  tasks: [
    { id: 'compute', uses: 'pkg:json/query@1.0.0', with: { query: 'n * 2', data: { n: '${{ inputs.n }}' } } },
    { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: 30 }, needs: ['compute'] },
    { id: 'fetch', uses: 'pkg:http/get@1.0.0', with: { url: '${{ inputs.service }}/${{ run.id }}' }, retries: 1, needs: ['compute'] },
    { id: 'join', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ tasks.compute.outputs.result }}' }, needs: ['wait', 'fetch'] },
  ],
};

/** `afterMs`: as drawn; `upMs`: as it was, once a start had been acknowledged too. */
type Kill = { readonly afterMs: number; readonly upMs: number; readonly acknowledged: number; readonly openCount: number; readonly restartMs: number };

describe('a conductor that is killed at any moment', () => {
  const seed = process.env['MAESTRO_CHAOS_SEED'] ?? String(Date.now());
  const random = seededRandom(`kill/${seed}`);
  const kills: Kill[] = [];
  let dir = '';
  let outside: OutsideService;
  let conductor: ConductorProcess;
  let client: RestClient;
  let load: ClientLoad;
  let again: readonly Acknowledged[];
  let verdicts: ReadonlyMap<string, string>;
  let offline: readonly string[];
  let openIntents: string | undefined;
  let exitCode: number | null;
  let report: HistoryReport;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'maestro-kill-'));
    outside = await openOutsideService();
    const start = { dataDir: join(dir, 'data'), port: await freePort(random), flags: ['--allow-origin', outside.origin] };
    conductor = await ConductorProcess.start(start);
    client = new RestClient(conductor.url);
    jsonOf(await client.saveDraft(MANIFEST));
    expect((await client.publish(MANIFEST.name)).status).toBe(200);
    // a run that tries again takes up to a second longer: some do, so that both are open at a kill
    const requestOf = (n: number): object => ({ workflowId: MANIFEST.name, inputs: { n, service: `${outside.origin}/${n % FLAKY_EVERY === 0 ? 'flaky' : 'steady'}` } });
    const work = async (one: PersistentClient, n: number, key: string): Promise<void> => {
      await one.follow(await one.start(requestOf(n), key));
    };
    load = new ClientLoad(client, { inFlight: IN_FLIGHT, keyPrefix: `kill-${seed}`, work });
    load.start();
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = load.answers.length;
      const afterMs = KILL_AFTER_MIN_MS + Math.floor(random() * (KILL_AFTER_MAX_MS - KILL_AFTER_MIN_MS));
      const readyAt = performance.now();
      await Promise.all([new Promise((resolve) => setTimeout(resolve, afterMs)), within(() => `round ${round}: nothing was acknowledged`, GRACE_MS, load.acknowledged(acknowledged + 1))]);
      const openCount = load.openCount;
      const upMs = Math.round(performance.now() - readyAt);
      await conductor.kill();
      await eventually('the children of a killed conductor end', CHILD_GONE_MS, () => conductor.descendants().length === 0);
      kills.push({ afterMs, upMs, acknowledged: load.answers.length - acknowledged, openCount, restartMs: 0 });
      conductor = await ConductorProcess.start(start);
      kills[round] = { ...(kills[round] as Kill), restartMs: Math.round(conductor.readyAfterMs) };
    }
    await within(() => `${load.openCount} of ${load.answers.length} acknowledged runs are still open`, GRACE_MS, load.finish());
    again = await within(() => 'starts that were acknowledged are not answered again', GRACE_MS, inParallel(load.answers, WIDTH, (answer) => load.repeat(answer)));
    verdicts = new Map(await inParallel(load.answers, WIDTH, async ({ executionId }) => [executionId, await verdictOf(executionId)] as const));
    offline = await offlineVerdicts();
    openIntents = /^mc_open_intents (\d+)$/m.exec((await client.get('/metrics', '*/*')).body.toString('utf8'))?.[1];
    exitCode = await conductor.stop();
    const claims = { answers: [...load.answers, ...again].map(answerOf), observed: load.observed, verdicts, isSettled: true, operationsMin: IN_FLIGHT };
    report = checkHistory(await storedEvents(join(dir, 'data', 'events.db')), claims);
    tell();
  }, TEST_MAX_MS);

  afterAll(async () => {
    load?.abandon();
    await client?.close();
    conductor?.clear();
    await outside?.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** Waits until the receipt is there, then lets the conductor verify it. */
  async function verdictOf(executionId: string): Promise<string> {
    const path = `/api/executions/${executionId}`;
    await eventually(`the receipt of ${executionId}`, GRACE_MS, async () => (await client.get(`${path}/receipt`)).status === 200);
    return jsonOf<{ verdict: string }>(await client.get(`${path}/verify`)).verdict;
  }

  /** What the offline verifier says about exported sets of some runs, spread over the whole time. */
  async function offlineVerdicts(): Promise<readonly string[]> {
    const keyFile = join(dir, 'trusted.pem');
    await writeFile(keyFile, await publicKeyPem(client));
    const step = Math.max(1, Math.floor(load.answers.length / OFFLINE_SAMPLE));
    const sample = load.answers.filter((_, i) => i % step === 0);
    return inParallel(sample, 4, async ({ executionId }) => {
      const folder = join(dir, 'sets', executionId);
      await exportReceiptSet(client, executionId, folder);
      const { ok, code } = await verifyFolder(folder, { keyFile, expected: { executionId, workflowId: MANIFEST.name } });
      return ok ? 'VERIFIED' : String(code);
    });
  }

  function tell(): void {
    const restarts = kills.map(({ restartMs }) => restartMs).sort((a, b) => a - b);
    const lines = [
      `seed ${seed} (MAESTRO_CHAOS_SEED=${seed} draws the same moments)`,
      `killed after ready, ms (drawn, then as it was): ${kills.map(({ afterMs, upMs }) => `${afterMs}/${upMs}`).join(' ')}`,
      ...histogram(kills.map(({ upMs }) => upMs)),
      `acknowledged ${load.answers.length}, of which by round ${kills.map(({ acknowledged }) => acknowledged).join(' ')}; sent again unanswered ${load.resentCount}`,
      `open at a kill and recovered: ${kills.reduce((sum, { openCount }) => sum + openCount, 0)}; ready again after ${restarts[0]}–${restarts.at(-1)} ms`,
      `${report.counts.events} events, ${report.counts.runs} runs, ${report.counts.receipts} receipts, ${report.counts.retries} retries, ${load.observed.length} events seen live`,
    ];
    process.stderr.write(`kill -9: ${lines.join('\n         ')}\n`);
  }

  it('breaks no promise of the history, however often', () => {
    expect(report.violations).toEqual([]);
    expect(kills).toHaveLength(ROUNDS);
    expect(kills.every(({ acknowledged }) => acknowledged >= 1)).toBe(true);
  });

  it('ends every acknowledged run as it would have ended', () => {
    expect(report.counts.verdicts).toEqual({ succeeded: load.answers.length });
    expect(report.counts.receipts).toBe(load.answers.length);
    expect(report.counts.tasksSucceeded).toBe(load.answers.length * MANIFEST.tasks.length);
    expect(openIntents).toBe('0');
  });

  it('took up runs that were open when it was killed, retries among them', () => {
    expect(kills.reduce((sum, { openCount }) => sum + openCount, 0)).toBeGreaterThan(ROUNDS);
    expect(report.counts.retries).toBeGreaterThan(0);
    const asked = [...outside.requests.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1));
    expect(asked.sort()).toEqual(load.answers.map(({ executionId }) => executionId).sort());
  });

  it('makes one run of each key, and gives the same answer when it is asked again', () => {
    expect(again).toEqual(load.answers);
    expect(new Set(load.answers.map(({ executionId }) => executionId)).size).toBe(load.answers.length);
  });

  it('signs receipts that it and anybody else can verify', () => {
    expect([...new Set(verdicts.values())]).toEqual(['VERIFIED']);
    expect(verdicts.size).toBe(load.answers.length);
    expect(offline.length).toBeGreaterThanOrEqual(OFFLINE_SAMPLE);
    expect([...new Set(offline)]).toEqual(['VERIFIED']);
  });

  it('leaves no process and no lock behind', () => {
    expect(exitCode).toBe(0);
    expect(conductor.descendants()).toEqual([]);
    expect(existsSync(join(dir, 'data', 'conductor.json'))).toBe(false);
  });
});

/** Ten bars of equal width. */
function histogram(valuesMs: readonly number[]): readonly string[] {
  const widthMs = (KILL_AFTER_MAX_MS - KILL_AFTER_MIN_MS) / 10;
  const counts = Array.from({ length: 10 }, (_, i) => valuesMs.filter((ms) => Math.min(9, Math.floor((ms - KILL_AFTER_MIN_MS) / widthMs)) === i).length);
  return counts.map((count, i) => `  ${String(Math.round(KILL_AFTER_MIN_MS + i * widthMs)).padStart(5)} ms ${'#'.repeat(count)}`);
}
