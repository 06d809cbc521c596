import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { RestClient } from '../rest-client.ts';
import { seededRandom } from '../seeded-random.ts';
import type { BadInput, CommandLine, Surroundings } from './bad-input.ts';
import { filled } from './bad-input.ts';
import { BAD_MANIFESTS } from './bad-manifests.ts';
import { BAD_REQUESTS } from './bad-requests.ts';
import { sendRow } from './send-row.ts';
import { eventCount, surround } from './surroundings.ts';

const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const TEST_MAX_MS = 60_000;
const TABLE = [...BAD_MANIFESTS, ...BAD_REQUESTS].map((row) => [row.name, row] as const);
const LEAKS = /node_modules|\.[jt]s:\d|\n\s+at /;

let folder: string;
let dataDir: string;
let conductor: ConductorProcess;
let around: Surroundings;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maestro-bad-input-'));
  dataDir = join(folder, 'data');
  conductor = await ConductorProcess.start({ dataDir, port: await freePort(seededRandom(`bad-input/${Date.now()}`)) });
  const client = new RestClient(conductor.url);
  around = await surround(client, dataDir);
  await client.close();
}, TEST_MAX_MS);

afterAll(async () => {
  conductor?.clear();
  await rm(folder, { recursive: true, force: true });
});

/** One command line as a user would type it; its exit code and the JSON that it prints. */
async function typed({ args, file }: CommandLine): Promise<{ readonly exitCode: number; readonly json: { readonly error?: { readonly code: string } }; readonly text: string }> {
  const path = join(folder, file?.name ?? 'none');
  if (file !== undefined) await writeFile(path, file.content);
  const line = args.map((arg) => filled(arg, { ...around, file: path }));
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...line, '--url', conductor.url, '--json'], { cwd: folder, env: { HOME: folder }, maxBuffer: 4e6 }, (error, out, notes) => {
      const exitCode = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve({ exitCode, json: out.startsWith('{') ? (JSON.parse(out) as { error?: { code: string } }) : {}, text: out + notes });
    });
  });
}

describe('bad input, over REST', () => {
  it.each(TABLE)('%s: refused by its code, and nothing is written', async (_name, row) => {
    const eventsBefore = eventCount(dataDir);
    const { status, type, text } = await sendRow(conductor.url, row, around);
    const problem = JSON.parse(text) as { readonly code: string; readonly errors?: readonly { readonly code: string }[] };

    expect([status, problem.code, type]).toEqual([row.status, row.code, 'application/problem+json; charset=utf-8']);
    expect(text).toContain(row.says);
    if (row.problem !== undefined) expect(problem.errors?.map(({ code }) => code)).toContain(row.problem);
    expect(text).not.toMatch(LEAKS);
    expect(eventCount(dataDir)).toBe(eventsBefore);
  }, TEST_MAX_MS);
});

describe('bad input, on the command line', () => {
  const rows = TABLE.filter((each): each is readonly [string, BadInput & { readonly cli: CommandLine }] => each[1].cli !== undefined);

  it.each(rows)('%s: the same code, an exit code, and nothing is written', async (_name, { cli, code }) => {
    const eventsBefore = eventCount(dataDir);
    const { exitCode, json, text } = await typed(cli);

    expect([exitCode, json.error?.code]).toEqual([cli.exitCode, cli.code ?? code]);
    expect(text).not.toMatch(LEAKS);
    expect(eventCount(dataDir)).toBe(eventsBefore);
  }, TEST_MAX_MS);
});

describe('a conductor that was sent the whole table', () => {
  it('is the same process, is ready and has answered nothing with 500 or more', async () => {
    const client = new RestClient(conductor.url);
    const [ready, metrics] = [await client.get('/readyz'), String((await client.get('/metrics')).body)];
    await client.close();

    expect([ready.status, /^http_5xx_total (\d+)$/m.exec(metrics)?.[1]]).toEqual([200, '0']);
    expect(process.kill(conductor.pid, 0)).toBe(true);
    expect(conductor.said()).toBe('');
  });

  it('was sent every row: none is there twice', () => {
    expect(new Set(TABLE.map(([name]) => name)).size).toBe(TABLE.length);
  });
});
