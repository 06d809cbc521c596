// Gate: no row of the table of bad input keeps the event loop of a real conductor for 100 ms or longer.
//   measure-stalls.ts       the conductor measures itself: mc_event_loop_delay_ms{quantile="1"}, reset at every scrape
// A row that is over the bound is sent again up to twice and counts by its best: a machine that is busy with other work stalls
// everything at times; an expensive row stalls every time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { RestClient } from '../rest-client.ts';
import { seededRandom } from '../seeded-random.ts';
import type { BadInput, Surroundings } from './bad-input.ts';
import { BAD_MANIFESTS } from './bad-manifests.ts';
import { BAD_REQUESTS } from './bad-requests.ts';
import { sendRow } from './send-row.ts';
import { surround } from './surroundings.ts';

const STALL_MAX_MS = 100;
const TRIES_MAX = 3;
const SHOWN = 5;
/** Twice the step of the conductor's own clock: a stall that has ended was noted by then. */
const NOTED_AFTER_MS = 25;

type Measured = { readonly name: string; readonly stallMs: number; readonly answerMs: number };

const folder = await mkdtemp(join(tmpdir(), 'maestro-stalls-'));
const dataDir = join(folder, 'data');
const conductor = await ConductorProcess.start({ dataDir, port: await freePort(seededRandom(`stalls/${Date.now()}`)) });
const client = new RestClient(conductor.url);
try {
  const around = await surround(client, dataDir);
  const rows = [...BAD_MANIFESTS, ...BAD_REQUESTS];
  for (const row of rows) await sendRow(conductor.url, row, around); // once before: the first parse of anything is compiled then
  const measured: Measured[] = [];
  for (const row of rows) measured.push(await best(row, around));
  process.exitCode = told(measured) ? 0 : 1;
} finally {
  await client.close();
  await conductor.stop();
  await rm(folder, { recursive: true, force: true });
}

async function best(row: BadInput, around: Surroundings): Promise<Measured> {
  let found: Measured = { name: row.name, stallMs: Infinity, answerMs: Infinity };
  for (let tries = 0; tries < TRIES_MAX && found.stallMs >= STALL_MAX_MS; tries += 1) {
    await longestStallMs();
    const started = performance.now();
    await sendRow(conductor.url, row, around);
    const answerMs = performance.now() - started;
    found = { name: row.name, stallMs: Math.min(found.stallMs, await longestStallMs()), answerMs: Math.min(found.answerMs, answerMs) };
  }
  return found;
}

/** Since the last time that it was asked. Throws where nothing was noted: then a stall would not be, either. */
async function longestStallMs(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, NOTED_AFTER_MS));
  const text = String((await client.get('/metrics')).body);
  const found = /^mc_event_loop_delay_ms\{quantile="1"\} (\S+)$/m.exec(text)?.[1];
  if (found === undefined || !(Number(found) > 0)) throw new Error(`the conductor does not measure its event loop: ${found}`);
  return Number(found);
}

function told(measured: readonly Measured[]): boolean {
  const byStall = measured.toSorted((a, b) => b.stallMs - a.stallMs);
  const answers = measured.map(({ answerMs }) => answerMs).sort((a, b) => a - b);
  const over = byStall.filter(({ stallMs }) => !(stallMs < STALL_MAX_MS));
  for (const { name, stallMs, answerMs } of byStall.slice(0, Math.max(SHOWN, over.length))) console.log(`${stallMs.toFixed(1)} ms stalled, answered after ${answerMs.toFixed(1)} ms: ${name}`);
  const at = (share: number): string => (answers[Math.min(answers.length - 1, Math.floor(answers.length * share))] ?? NaN).toFixed(1);
  console.log(`${measured.length} rows; longest stall ${(byStall[0]?.stallMs ?? NaN).toFixed(1)} ms of ${STALL_MAX_MS}, answered p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ${over.length} over the bound`);
  return measured.length > 0 && over.length === 0;
}
