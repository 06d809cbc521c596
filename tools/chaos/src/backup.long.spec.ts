import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredEvent } from '@maestro/ports';
import { ClientLoad, answerOf } from './client-load.ts';
import { ConductorProcess, freePort } from './conductor-process.ts';
import { eventually, inParallel, within } from './eventually.ts';
import { checkHistory } from './history-checker.ts';
import type { HistoryReport } from './history-checker.ts';
import { RestClient, jsonOf } from './rest-client.ts';
import { seededRandom } from './seeded-random.ts';
import { storedEvents } from './stored-events.ts';

const COMMAND_LINE = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));
const IN_FLIGHT = 20;
const RUNS_BEFORE = 60;
const GRACE_MS = 60_000;
const WIDTH = 8;
const PAGE_ROWS = 100;
const TEST_MAX_MS = 180_000;
const RISK = 'STORE_LOSS_ACCEPTED';

/** A wait, so that runs are open at any moment, and a sealed value that is opened again after it. */
const MANIFEST = {
  name: 'saved',
  version: '1.0.0',
  inputs: { n: 1 },
  tasks: [
    { id: 'compute', uses: 'pkg:json/query@1.0.0', with: { query: 'n * 2', data: { n: '${{ inputs.n }}' } } },
    { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: 150 }, needs: ['compute'] },
    { id: 'join', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ tasks.compute.outputs.result }}' }, needs: ['wait'] },
  ],
};

type Said = { readonly exitCode: number | null; readonly out: string; readonly notes: string };
type Loss = { readonly eventCount: number; readonly streams: readonly { readonly stream: string; readonly fromRevision: number; readonly toRevision: number }[] };

describe('a backup that is made under load', () => {
  const seed = process.env['MAESTRO_CHAOS_SEED'] ?? String(Date.now());
  const random = seededRandom(`backup/${seed}`);
  let dir = '';
  let conductor: ConductorProcess;
  let client: RestClient;
  let load: ClientLoad;
  let saved: Said;
  let openAtBackup = 0;
  let report: HistoryReport;
  let listed: readonly string[];
  let verdicts: ReadonlyMap<string, string>;
  let refused: Said;
  let accepted: Said;
  let later: readonly StoredEvent[];
  let savedCount = 0;
  let risks: readonly string[];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'maestro-saved-'));
    await startOn('first');
    jsonOf(await client.saveDraft(MANIFEST));
    jsonOf(await client.publish(MANIFEST.name));
    load = new ClientLoad(client, { inFlight: IN_FLIGHT, keyPrefix: `saved-${seed}`, work: async (one, n, key) => void (await one.follow(await one.start({ workflowId: MANIFEST.name, inputs: { n } }, key))) });
    load.start();
    await within(() => 'too few runs are acknowledged', GRACE_MS, load.acknowledged(RUNS_BEFORE));
    const before = { answers: load.answers.map(answerOf), observed: [...load.observed] };
    saved = await commandLine('backup', '--data', join(dir, 'first'), '--out', join(dir, 'backup'), '--json');
    const afterwards = load.answers.length + 2 * IN_FLIGHT;
    await within(() => 'nothing is acknowledged after the backup', GRACE_MS, load.acknowledged(afterwards));
    const answers = load.answers.map(answerOf);
    await conductor.kill();
    load.abandon();
    await client.close();
    const restored = await commandLine('restore', '--from', join(dir, 'backup'), '--data', join(dir, 'second'), '--json');
    if (restored.exitCode !== 0) throw new Error(`not restored: ${restored.notes}`);
    const copied = await storedEvents(join(dir, 'second', 'events.db'));
    savedCount = copied.length;
    openAtBackup = count(copied, 'execution.requested.v1') - count(copied, 'execution.completed.v1');
    const inCopy = new Set<string>(copied.map(({ stream }) => stream));
    await goOn(answers.filter(({ executionId }) => inCopy.has(`execution-${executionId}`) || before.answers.some((one) => one.executionId === executionId)), before.observed);
    await replaceFirst();
    process.stderr.write(`backup under load: seed ${seed}, ${savedCount} events saved with ${openAtBackup} runs open, ${report.counts.runs} runs restored and verified, ${later.length - savedCount} events acknowledged later\n`);
  }, TEST_MAX_MS);

  afterAll(async () => {
    load?.abandon();
    await client?.close();
    conductor?.clear();
    await rm(dir, { recursive: true, force: true });
  });

  async function startOn(folder: string): Promise<void> {
    conductor = await ConductorProcess.start({ dataDir: join(dir, folder), port: await freePort(random) });
    client = new RestClient(conductor.url);
  }

  /** The restored folder, served until nothing is open; then all that it can be asked, and the judge of all harnesses. */
  async function goOn(answers: readonly ReturnType<typeof answerOf>[], observed: ClientLoad['observed']): Promise<void> {
    await startOn('second');
    const ids = answers.map(({ executionId }) => executionId);
    verdicts = new Map(await inParallel(ids, WIDTH, async (id) => [id, await verdictOf(id)] as const));
    listed = await listedRuns();
    await client.close();
    await conductor.stop();
    report = checkHistory(await storedEvents(join(dir, 'second', 'events.db')), { answers, observed, verdicts, isSettled: true, operationsMin: RUNS_BEFORE });
  }

  /** The backup put in the place of the folder that went on after it. */
  async function replaceFirst(): Promise<void> {
    refused = await commandLine('restore', '--from', join(dir, 'backup'), '--data', join(dir, 'first'), '--json');
    accepted = await commandLine('restore', '--from', join(dir, 'backup'), '--data', join(dir, 'first'), '--accept-loss', '--json');
    const [aside] = (await readdir(dir)).filter((name) => name.startsWith('first.before-'));
    later = await storedEvents(join(dir, aside ?? 'nowhere', 'events.db'));
    await startOn('first');
    const { id } = jsonOf<{ readonly id: string }>(await client.start({ workflowId: MANIFEST.name }, 'after-the-loss'));
    await verdictOf(id);
    risks = jsonOf<{ readonly environment: { readonly acceptedRisks: readonly string[] } }>(await client.get(`/api/executions/${id}/receipt`)).environment.acceptedRisks;
    await conductor.stop();
  }

  async function verdictOf(id: string): Promise<string> {
    await eventually(`the receipt of ${id}`, GRACE_MS, async () => (await client.get(`/api/executions/${id}/receipt`)).status === 200);
    return jsonOf<{ readonly verdict: string }>(await client.get(`/api/executions/${id}/verify`)).verdict;
  }

  async function listedRuns(): Promise<readonly string[]> {
    const found: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { readonly items: readonly { readonly id: string }[]; readonly next: string | null } = jsonOf(await client.get(`/api/executions?limit=${PAGE_ROWS}${cursor === '' ? '' : `&after=${encodeURIComponent(cursor)}`}`));
      found.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
    return found;
  }

  it('is whole, although runs were open and went on meanwhile', () => {
    expect(saved).toMatchObject({ exitCode: 0, notes: '' });
    expect(JSON.parse(saved.out)).toMatchObject({ store: { position: savedCount } });
    expect(openAtBackup).toBeGreaterThan(0);
    expect(later.length).toBeGreaterThan(savedCount);
  });

  it('goes on elsewhere: every run that it holds ends, no promise is broken, every receipt verifies', () => {
    expect(report.violations).toEqual([]);
    expect(report.counts.verdicts).toEqual({ succeeded: report.counts.runs });
    expect(report.counts.receipts).toBe(report.counts.runs);
    expect([...new Set(verdicts.values())]).toEqual(['VERIFIED']);
  });

  it('needs no read models and no process state: they are made again from its events', () => {
    expect(existsSync(join(dir, 'backup', 'views.db'))).toBe(false);
    expect(existsSync(join(dir, 'backup', 'state.db'))).toBe(false);
    expect([...listed].sort()).toEqual([...verdicts.keys()].sort());
  });

  it('does not replace a newer store, unless that is accepted; then it says exactly what is gone', () => {
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ ok: false, error: { code: 'STORE_BEHIND_MARK' } });
    const { loss } = JSON.parse(accepted.out) as { readonly loss: Loss };
    expect(loss.eventCount).toBe(later.length - savedCount);
    expect(new Map(loss.streams.map(({ stream, fromRevision, toRevision }) => [stream, [fromRevision, toRevision]]))).toEqual(rangesOf(later.slice(savedCount)));
    expect(risks).toEqual([RISK]);
  });
});

/** By stream: first and last revision. */
function rangesOf(events: readonly StoredEvent[]): ReadonlyMap<string, readonly number[]> {
  const ranges = new Map<string, readonly number[]>();
  for (const { stream, revision } of events) ranges.set(stream, [ranges.get(stream)?.[0] ?? Number(revision), Number(revision)]);
  return ranges;
}

function count(events: readonly StoredEvent[], type: string): number {
  return events.filter((event) => event.type === type).length;
}

/** The command line as it is shipped, in a process of its own. */
async function commandLine(...args: readonly string[]): Promise<Said> {
  const child = spawn(process.execPath, [COMMAND_LINE, ...args], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', notes: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString('utf8')));
  child.stderr.on('data', (text: Buffer) => (said.notes += text.toString('utf8')));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, ...said };
}
