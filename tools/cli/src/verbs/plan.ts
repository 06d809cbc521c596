import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { renderPlan } from '../report/plan.ts';
import { exitCodeOfPlan, planManifest } from './offline-plan.ts';
import type { PlanFlags } from './offline-plan.ts';
import type { VerbContext } from './verb-context.ts';

/** Says what would run, in which order, what policy says, and what it may cost; runs and writes nothing. */
export async function plan(flags: PlanFlags, { settings, screen }: VerbContext): Promise<number> {
  const planned = await planManifest(flags, settings);
  const exitCode = exitCodeOfPlan(planned);
  if (flags.json === true) {
    screen.out(JSON.stringify({ ok: exitCode === EXIT.ok, exitCode, ...planned }, null, 2));
    return exitCode;
  }
  screen.out(renderPlan(planned, screen.paintOut));
  const next = exitCode === EXIT.ok ? `${PROGRAM} run -m ${flags.manifest}` : 'correct the places above and plan again';
  screen.out(`\n  next: ${next}`);
  return exitCode;
}
