import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case, Edit } from './bug.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const PLANTED = `${ROOT}tools/chaos/planted/`;
/** A case that hangs because of the fault that was planted ends so. */
const CASE_MAX_MS = 180_000;
const TEST_MAX_MS = 30_000;

/** `broken`: the case ran and found the fault; `useless`: nothing ran, or what ran could not even begin. */
export type CaseOutcome = { readonly kind: 'sound' | 'broken' | 'useless'; readonly detail: string };

/** Runs a kept case on the program as it is, or with edits planted. Every outcome is a value. */
export async function runCase(kept: Case, plant: readonly Edit[] = []): Promise<CaseOutcome> {
  return kept.kind === 'spec' ? runSpec(kept, plant) : runHarness(kept.args, plant);
}

type JestResult = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] }[] }[];
};

async function runSpec({ file, test }: Extract<Case, { kind: 'spec' }>, plant: readonly Edit[]): Promise<CaseOutcome> {
  const dir = mkdtempSync(join(tmpdir(), 'maestro-case-'));
  try {
    const resultFile = join(dir, 'result.json');
    const args = [`${ROOT}node_modules/jest/bin/jest.js`, '-c', `${PLANTED}jest.config.mjs`, '--json', `--outputFile=${resultFile}`, '--runInBand', `--testTimeout=${TEST_MAX_MS}`, '--runTestsByPath', `${ROOT}${file}`, '-t', literal(test)];
    const { said } = await ended(args, plant, { NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' });
    return outcomeOf(JSON.parse(readFileSync(resultFile, 'utf8')) as JestResult, said);
  } catch (error) {
    return { kind: 'useless', detail: `no result: ${(error as Error).message}` };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function outcomeOf({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults }: JestResult, said: string): CaseOutcome {
  if (numRuntimeErrorTestSuites > 0) return { kind: 'useless', detail: testResults[0]?.message ?? said };
  if (numPassedTests + numFailedTests === 0) return { kind: 'useless', detail: 'no test has this name' };
  if (numFailedTests === 0) return { kind: 'sound', detail: `${numPassedTests} passed` };
  const failed = testResults.flatMap(({ assertionResults }) => assertionResults).find(({ status }) => status === 'failed');
  return { kind: 'broken', detail: `${failed?.fullName ?? 'a test'}: ${firstLine(failed?.failureMessages[0] ?? said)}` };
}

async function runHarness(harness: readonly string[], plant: readonly Edit[]): Promise<CaseOutcome> {
  const args = ['--conditions=source', '--import', `${PLANTED}load-hook.mjs`, `${ROOT}tools/chaos/src/main.ts`, ...harness];
  const { code, said } = await ended(args, plant, {});
  const lines = said.trimEnd().split('\n');
  if (code === 0) return { kind: 'sound', detail: lines.at(-1) ?? '' };
  const violation = lines.find((line) => line.startsWith('violation: '));
  return violation === undefined ? { kind: 'useless', detail: lines.slice(-5).join('\n') } : { kind: 'broken', detail: violation };
}

/** Runs Node to its end. `said`: the end of both its outputs. */
function ended(args: readonly string[], plant: readonly Edit[], env: NodeJS.ProcessEnv): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env, MAESTRO_PLANT: JSON.stringify(plant) }, stdio: ['ignore', 'pipe', 'pipe'], timeout: CASE_MAX_MS, killSignal: 'SIGKILL' });
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
  // Jest colours what it says
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/\u001B\[[0-9;]*m/g, '');
  return plain.split('\n').map((line) => line.trim()).find((line) => line !== '') ?? '';
}
