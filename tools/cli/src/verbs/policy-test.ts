import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OfflineDecision } from '@maestro/conductor';
import { CliError } from '../cli-error.ts';
import type { Inputs } from '../commands/input-option.ts';
import { EXIT } from '../exit-codes.ts';
import { INSTALLED, PROGRAM } from '../install-paths.ts';
import { renderFindings } from '../report/denial.ts';
import { labelled } from '../screen.ts';
import type { Screen } from '../screen.ts';
import { exitCodeOfPlan, planManifest } from './offline-plan.ts';
import type { VerbContext } from './verb-context.ts';

export type PolicyStage = OfflineDecision['stage'];
export type PolicyTestFlags = {
  /** `manifest`: what a publication and a start would meet; `document`: one policy input; neither: the packs' own tests */
  readonly manifest?: string | undefined;
  readonly document?: string | undefined;
  readonly stage: PolicyStage;
  readonly input: Inputs;
  readonly region?: string | undefined;
  readonly packs?: string | undefined;
  readonly json?: boolean | undefined;
};

type Row = {
  readonly stage: PolicyStage;
  readonly pack: string;
  readonly allow: boolean;
  readonly violations: Parameters<typeof renderFindings>[0][number]['violations'];
  readonly obligations: Parameters<typeof renderFindings>[0][number]['violations'];
};

/** Asks the shipped packs, offline, about a manifest or a policy input; or runs the packs' own tests with opa. */
export async function policyTest(flags: PolicyTestFlags, context: VerbContext): Promise<number> {
  const { settings, screen } = context;
  const { manifest, document } = flags;
  if (manifest !== undefined) {
    const plan = await planManifest({ ...flags, manifest }, settings);
    return tell(plan.decisions, exitCodeOfPlan({ ...plan, problems: [] }), flags, screen);
  }
  if (document !== undefined) {
    const { result } = await decide(flags.stage, resolve(settings.cwd, document), document);
    const rows = result.packs.map((pack) => ({ stage: flags.stage, ...pack }));
    return tell(rows, result.allow ? EXIT.ok : EXIT.denied, flags, screen);
  }
  return runPackTests(resolve(settings.cwd, flags.packs ?? INSTALLED.policyPacks), flags, context);
}

async function decide(stage: PolicyStage, path: string, given: string): Promise<OfflineDecision> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(EXIT.usage, 'POLICY_INPUT_UNREADABLE', `${given} cannot be read: ${(error as Error).message}`, [], error);
  });
  try {
    const input: unknown = JSON.parse(text);
    const { decideOffline } = await import('@maestro/conductor');
    return await decideOffline(stage, input as Parameters<typeof decideOffline>[1]);
  } catch (error) {
    if (!(error instanceof SyntaxError) && (error as Error).name !== 'SyntaxError') throw error;
    throw new CliError(EXIT.usage, 'POLICY_INPUT_UNREADABLE', `${given} is not JSON: ${(error as Error).message}`, [], error);
  }
}

function tell(rows: readonly Row[], exitCode: number, { json }: PolicyTestFlags, screen: Screen): number {
  if (json === true) {
    const decisions = rows.map(({ stage, pack, allow, violations, obligations }) => ({ stage, pack, allow, violations, obligations }));
    screen.out(JSON.stringify({ ok: exitCode === EXIT.ok, exitCode, decisions }, null, 2));
    return exitCode;
  }
  const paint = screen.paintOut;
  const lines = rows.map(({ stage, pack, allow }) => [`${stage}`, `${pack}: ${allow ? paint('good', 'allow') : paint('bad', 'deny')}`] as const);
  const denied = rows.filter(({ allow }) => !allow);
  const noted = rows.flatMap(({ pack, obligations }) => obligations.map(({ code }) => `  ${pack}  ${paint('attention', code)} (obligation)`));
  screen.out([labelled(lines, paint), ...(denied.length === 0 ? [] : ['', renderFindings(denied, paint)]), ...new Set(noted)].join('\n'));
  screen.out(`\n${denied.length === 0 ? paint('good', '✓ allowed') : paint('bad', '✗ denied')}`);
  return exitCode;
}

/** The packs' own tests are Rego: only opa runs them. */
async function runPackTests(folder: string, { json }: PolicyTestFlags, { settings, screen, signal }: VerbContext): Promise<number> {
  const opa = settings.environment['OPA'] || 'opa';
  const child = spawn(opa, ['test', folder, '--format', json === true ? 'json' : 'pretty'], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await once(child, 'close').then(
    ([exitCode]) => exitCode as number | null,
    (error: unknown) => {
      throw new CliError(EXIT.usage, 'OPA_MISSING', `the packs' own tests need opa, and ${opa} cannot be run`, [
        'install opa (https://www.openpolicyagent.org), or set OPA to its path',
        `${PROGRAM} policy test -m <manifest> asks the compiled packs and needs no opa`,
      ], error);
    },
  );
  const passed = code === 0;
  const exitCode = passed ? EXIT.ok : EXIT.policyTestsFailed;
  const text = Buffer.concat(output).toString('utf8').trimEnd();
  screen.out(json === true ? JSON.stringify({ ok: passed, exitCode, folder, report: reportOf(text) }, null, 2) : text);
  return exitCode;
}

/** What opa reported; its text where it is not JSON. */
function reportOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
