import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RECEIPT_FILES, openBundle } from '@maestro/receipt';
import { runVerify } from '@maestro/verify';
import { ConductorProcess, freePort } from './conductor-process.ts';
import { eventually } from './eventually.ts';
import { STATEMENT_FILE, rebuildReceipt } from './rebuild-receipt.ts';
import type { Surroundings } from './rebuild-receipt.ts';
import { exportReceiptSet, publicKeyPem } from './receipt-export.ts';
import { RestClient, jsonOf } from './rest-client.ts';

const run = promisify(execFile);
const ENTRY = fileURLToPath(new URL('./rebuild-entry.ts', import.meta.url));
const GRACE_MS = 30_000;
const TEST_MAX_MS = 90_000;

/** As a release gathers its evidence: files are written, digested, checked, and put into one report. */
const MANIFEST = {
  name: 'release-evidence',
  version: '2.1.0',
  region: 'eu-west-1',
  labels: { team: 'release', ürün: 'İstanbul' },
  inputs: { service: 'payments', notes: 'größer & schöner 🎉', limit: 0.1 },
  tasks: [
    { id: 'artifact', uses: 'pkg:file/write@1.0.0', with: { path: 'out/artifact.txt', text: 'build of ${{ inputs.service }}: ${{ inputs.notes }}\n' } },
    { id: 'sbom', uses: 'pkg:file/write@1.0.0', with: { path: 'out/sbom.json', json: { components: ['b', 'a'], size: 1e-9 } } },
    { id: 'digests', uses: 'pkg:file/digest@1.0.0', with: { paths: ['out/artifact.txt', 'out/sbom.json'] }, needs: ['artifact', 'sbom'] },
    { id: 'check', uses: 'pkg:json/validate@1.0.0', with: { file: 'out/sbom.json', schema: { type: 'object', required: ['components'] } }, needs: ['sbom'] },
    { id: 'pause', uses: 'pkg:core/sleep@1.0.0', with: { ms: 5 }, resources: { class: 'medium' } },
    { id: 'sum', uses: 'pkg:json/query@1.0.0', with: { query: '$sum(v)', data: { v: [0.1, 0.2, 1e-7] } }, needs: ['digests', 'check', 'pause'] },
  ],
};

const NOW = new Date().getUTCFullYear();
/** Where and when the receipt is made again; `shiftYears` moves the clock of that process. */
const ELSEWHERE = [
  { timeZone: 'Pacific/Kiritimati', locale: 'tr_TR.UTF-8', shows: 'tr-TR', shiftYears: -10 },
  { timeZone: 'America/St_Johns', locale: 'ar_EG.UTF-8', shows: 'ar-EG', shiftYears: 40 },
  { timeZone: 'Australia/Eucla', locale: 'C', shows: 'en-US', shiftYears: 0 },
] as const;

/** A module that runs before any other: the clock of the process is years away. */
function clockMovedBy(years: number): string {
  const code = `const Real = Date, ms = ${years} * 365.25 * 86400000;
    globalThis.Date = class Date extends Real { constructor(...a) { a.length === 0 ? super(Real.now() + ms) : super(...a); } static now() { return Real.now() + ms; } };`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

describe('a receipt that is rebuilt elsewhere', () => {
  let dir = '';
  let set = '';
  let executionId = '';
  const at = (...parts: readonly string[]): string => join(dir, ...parts);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'maestro-rebuild-'));
    set = at('set');
    const conductor = await ConductorProcess.start({ dataDir: at('data'), port: await freePort(Math.random) });
    const client = new RestClient(conductor.url);
    try {
      jsonOf(await client.saveDraft(MANIFEST));
      jsonOf(await client.publish(MANIFEST.name));
      executionId = jsonOf<{ id: string }>(await client.start({ workflowId: MANIFEST.name }, 'rebuild')).id;
      await eventually('the receipt', GRACE_MS, async () => (await client.bundle(executionId)).status === 200);
      await exportReceiptSet(client, executionId, set);
      await writeFile(at('trusted.pem'), await publicKeyPem(client));
    } finally {
      await client.close();
      await conductor.stop();
    }
    // nothing is left but the set: no database, no evidence, no key
    await rm(at('data'), { recursive: true, force: true });
    await mkdir(at('source'));
    for (const file of [RECEIPT_FILES.events, RECEIPT_FILES.manifest]) await copyFile(join(set, file), at('source', file));
  }, TEST_MAX_MS);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function rebuild(from: string, to: string, { timeZone, locale, shiftYears }: { readonly timeZone: string; readonly locale: string; readonly shiftYears: number }): Promise<Surroundings> {
    await mkdir(to, { recursive: true });
    const args = ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', clockMovedBy(shiftYears), ENTRY, from, to];
    const { stdout } = await run(process.execPath, args, { env: { TZ: timeZone, LANG: locale, LC_ALL: locale } });
    return JSON.parse(stdout) as Surroundings;
  }

  async function expectSameBytes(rebuilt: string): Promise<void> {
    expect(await readFile(join(rebuilt, RECEIPT_FILES.receipt))).toEqual(await readFile(join(set, RECEIPT_FILES.receipt)));
    expect(await readFile(join(rebuilt, STATEMENT_FILE))).toEqual(Buffer.from(await signedStatement()));
  }

  async function signedStatement(): Promise<Uint8Array> {
    const opened = openBundle(await readFile(join(set, RECEIPT_FILES.bundle)));
    if (typeof opened === 'string') throw new Error(opened);
    return opened.payload;
  }

  it('was of a run that succeeded, and nothing of the conductor is left', async () => {
    const receipt = JSON.parse(await readFile(join(set, RECEIPT_FILES.receipt), 'utf8')) as { verdict: string; steps: readonly { status: string }[] };
    expect(receipt.verdict).toBe('succeeded');
    expect(receipt.steps.map(({ status }) => status)).toEqual(MANIFEST.tasks.map(() => 'ok'));
    expect(existsSync(at('data'))).toBe(false);
    expect((await readdir(at('source'))).sort()).toEqual([RECEIPT_FILES.events, RECEIPT_FILES.manifest]);
  });

  it.each(ELSEWHERE)('has the same bytes in $timeZone, $locale, $shiftYears years away', async (place) => {
    const to = at(`rebuilt-${place.shows}`);
    const seen = await rebuild(at('source'), to, place);
    expect(seen).toMatchObject({ timeZone: place.timeZone, locale: place.shows });
    expect(Math.abs(seen.year - NOW - place.shiftYears)).toBeLessThanOrEqual(1);
    await expectSameBytes(to);
  });

  it('has the same bytes here', async () => {
    await mkdir(at('rebuilt-here'));
    await rebuildReceipt(at('source'), at('rebuilt-here'));
    await expectSameBytes(at('rebuilt-here'));
  });

  it('comes out different as soon as one event says something else', async () => {
    await mkdir(at('changed'));
    const events = await readFile(at('source', RECEIPT_FILES.events), 'utf8');
    await writeFile(at('changed', RECEIPT_FILES.events), events.replace('"durationMs":', '"durationMs":1'));
    await copyFile(at('source', RECEIPT_FILES.manifest), at('changed', RECEIPT_FILES.manifest));
    await rebuild(at('changed'), at('rebuilt-changed'), ELSEWHERE[0]);
    const receipt = await readFile(at('rebuilt-changed', RECEIPT_FILES.receipt));
    expect(receipt.equals(await readFile(join(set, RECEIPT_FILES.receipt)))).toBe(false);
  });

  it('is refused with another manifest', async () => {
    await mkdir(at('other'));
    await copyFile(at('source', RECEIPT_FILES.events), at('other', RECEIPT_FILES.events));
    await writeFile(at('other', RECEIPT_FILES.manifest), '{}');
    await expect(rebuild(at('other'), at('rebuilt-other'), ELSEWHERE[0])).rejects.toThrow('not the one that the run was pinned to');
  });

  it('satisfies the offline verifier, which rebuilds it as well', async () => {
    const verified = await runVerify([set, '--key', at('trusted.pem'), '--execution', executionId, '--workflow', MANIFEST.name], { color: false });
    expect(verified).toMatchObject({ exitCode: 0, error: '' });
    expect(await runVerify([set, '--rebuild'], { color: false })).toMatchObject({ exitCode: 0, error: '' });
  });
});
