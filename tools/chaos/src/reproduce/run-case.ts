import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Case, Edit } from './bug.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const PLANTED = `${ROOT}tools/chaos/planted/`;
/** A case that hangs because of the fault that was planted ends so. */
const CASE_MAX_MS = 180_000;
const TEST_MAX_MS = 30_000;

/** `broken`: the case ran and found the fault; `useless`: nothing ran, or what ran could not even begin. */
export type CaseOutcome = { readonly kind: 'sound' | 'broken' | 'useless'; readonly detail: string };

type SpecCase = Extract<Case, { kind: 'spec' }>;

/** Runs a kept case on the program as it is, or with edits planted. Every outcome is a value. */
export async function runCase(kept: Case, plant: readonly Edit[] = []): Promise<CaseOutcome> {
  if (kept.kind === 'harness') return runHarness(kept.args, plant);
  const [outcome = NOTHING_RAN] = await runSpecs([kept], plant);
  return outcome;
}

/** Runs kept cases on the program as it is: those that are specs with one start of Jest. The outcomes in their order. */
export async function runCases(cases: readonly Case[]): Promise<readonly CaseOutcome[]> {
  const specs = cases.filter((kept) => kept.kind === 'spec');
  const ran = specs.length === 0 ? [] : await runSpecs(specs, []);
  const outcomes: CaseOutcome[] = [];
  for (const kept of cases) outcomes.push(kept.kind === 'spec' ? (ran[specs.indexOf(kept)] ?? NOTHING_RAN) : await runHarness(kept.args, []));
  return outcomes;
}

const NOTHING_RAN: CaseOutcome = { kind: 'useless', detail: 'no test has this name' };

type Assertion = { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] };
type JestResult = { readonly testResults: readonly { readonly name: string; readonly message: string; readonly assertionResults: readonly Assertion[] }[] };

async function runSpecs(cases: readonly SpecCase[], plant: readonly Edit[]): Promise<readonly CaseOutcome[]> {
  const dir = mkdtempSync(join(tmpdir(), 'maestro-case-'));
  try {
    const resultFile = join(dir, 'result.json');
    const files = [...new Set(cases.map(({ file }) => `${ROOT}${file}`))];
    const names = cases.map(({ test }) => literal(test)).join('|');
    const args = [`${ROOT}node_modules/jest/bin/jest.js`, '-c', `${PLANTED}jest.config.mjs`, '--json', `--outputFile=${resultFile}`, '--runInBand', `--testTimeout=${TEST_MAX_MS}`, '-t', names, '--runTestsByPath', ...files];
    const { said } = await ended(args, plant, { NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' }, files.length * CASE_MAX_MS);
    if (!existsSync(resultFile)) return cases.map(() => ({ kind: 'useless', detail: `Jest left no result: ${said.slice(-1_000)}` }));
    const result = JSON.parse(readFileSync(resultFile, 'utf8')) as JestResult;
    return cases.map((kept) => outcomeOf(kept, result));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What Jest says about one case; a file that could not even be loaded has no tests. */
export function outcomeOf({ file, test }: SpecCase, { testResults }: JestResult): CaseOutcome {
  const suite = testResults.find(({ name }) => name.endsWith(`/${file}`));
  const ran = (suite?.assertionResults ?? []).filter(({ fullName, status }) => fullName.includes(test) && (status === 'passed' || status === 'failed'));
  const failed = ran.find(({ status }) => status === 'failed');
  if (failed !== undefined) return { kind: 'broken', detail: `${failed.fullName}: ${firstLine(failed.failureMessages[0] ?? '')}` };
  if (ran.length > 0) return { kind: 'sound', detail: `${ran.length} passed` };
  return suite?.message === undefined || suite.message === '' ? NOTHING_RAN : { kind: 'useless', detail: firstLine(suite.message) };
}

async function runHarness(harness: readonly string[], plant: readonly Edit[]): Promise<CaseOutcome> {
  const args = ['--conditions=source', '--import', `${PLANTED}load-hook.mjs`, `${ROOT}tools/chaos/src/main.ts`, ...harness];
  const { code, said } = await ended(args, plant, {}, CASE_MAX_MS);
  const lines = said.trimEnd().split('\n');
  if (code === 0) return { kind: 'sound', detail: lines.at(-1) ?? '' };
  const violation = lines.find((line) => line.startsWith('violation: '));
  return violation === undefined ? { kind: 'useless', detail: lines.slice(-5).join('\n') } : { kind: 'broken', detail: violation };
}

/** Runs Node to its end. `said`: the end of both its outputs. */
function ended(args: readonly string[], plant: readonly Edit[], env: { readonly [name: string]: string }, timeout: number): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...env, MAESTRO_PLANT: JSON.stringify(plant) }, stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' });
    let said = '';
    const keep = (text: Buffer): void => void (said = (said + text.toString('utf8')).slice(-SAID_KEPT));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

/** Characters of what a case says that are kept. */
const SAID_KEPT = 100_000;

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function firstLine(text: string): string {
  const plain = stripVTControlCharacters(text);
  return plain.split('\n').map((line) => line.trim()).find((line) => line !== '') ?? '';
}
