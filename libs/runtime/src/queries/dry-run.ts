import type { ManifestV1, PlanTask } from '@maestro/contracts';
import { findReferences, mergeInputs, planOf, regionOf, resolveKnown, scheduleOf, startInput, publishInput } from '@maestro/domain';
import type { Json, JsonObject, Plan, PolicyRequest, Problem } from '@maestro/domain';
import { VALUE_LIMITS } from '@maestro/ports';
import type { EventStore, PolicyEngine, ReadModels, TaskPackages } from '@maestro/ports';
import { checkManifestDocument } from '../manifest-intake.ts';
import { findPackageIn } from '../manifest-source.ts';
import { estimateOf, pastCosts, withHistory } from './estimate.ts';
import type { CostEstimate } from './estimate.ts';
import { decideEach } from './policy-preview.ts';
import type { PreviewDecision } from './policy-preview.ts';
import type { PriceBook } from './price-book.ts';
import type { Unreadable } from './stream-history.ts';
import { manifestOf, readWorkflow } from './workflow-view.ts';
import type { ChosenManifest } from './workflow-view.ts';

export type DryRunAsked = {
  readonly workflowId: string;
  /** null: the draft */
  readonly version: string | null;
  readonly inputs: JsonObject;
  readonly region: string | null;
};

/** What a deployment adds to every request. `now` is RFC 3339. */
export type DryRunSetting = { readonly now: string; readonly actor: string; readonly region: string | null; readonly requireRegion: boolean; readonly conductorUrl: string | null };

export type PlannedTask = {
  readonly id: string;
  readonly uses: string;
  readonly packageDigest: string;
  readonly class: PlanTask['class'];
  readonly needs: readonly string[];
  readonly retries: number;
  readonly timeoutMs: number;
  readonly expectedDurationMs: number;
  /** its arguments depend on outputs of other tasks: policy checks them again, then */
  readonly lateBound: boolean;
  /** as far as known; what is not stays as it was written */
  readonly with: Json;
};

export type DryRun = {
  readonly kind: 'dry-run';
  readonly workflow: { readonly id: string; readonly version: string; readonly digest: string; readonly source: 'draft' | 'published' };
  readonly plan: { readonly levels: readonly (readonly string[])[]; readonly criticalPath: readonly string[]; readonly tasks: readonly PlannedTask[] };
  readonly decisions: readonly PreviewDecision[];
  /** what is expected, in dollars */
  readonly estimatedCostUSD: number;
  readonly estimate: CostEstimate;
  readonly wouldStart: boolean;
  readonly problems: readonly Problem[];
};

type Ports = { readonly store: EventStore; readonly views: Pick<ReadModels, 'list'>; readonly packages: TaskPackages; readonly policies: PolicyEngine; readonly prices: PriceBook };
type NotFound = { readonly kind: 'missing' } | { readonly kind: 'version-missing' };

/** Stands for the id of the run that would start. */
const NO_RUN = '00000000-0000-0000-0000-000000000000';

/**
 * Plans a run and asks policy about it, as a start would, and changes nothing: reads the workflow, appends no event,
 * reserves nothing. A draft is also judged as if it were published now.
 */
export async function dryRun(ports: Ports, asked: DryRunAsked, setting: DryRunSetting): Promise<DryRun | NotFound | Unreadable> {
  const history = await readWorkflow(ports.store, asked.workflowId);
  if (history.kind !== 'workflow') return history;
  const chosen = manifestOf(history, asked.version);
  if (chosen === undefined) return { kind: 'version-missing' };
  const plan = await planRun(ports, { id: history.id, ...chosen }, asked, setting);
  return { ...plan, ...withHistory(plan, await pastCosts(ports.views, history.id, chosen.version)) };
}

/** The same for a manifest at hand, which no store has to hold: what it answers depends on nothing but its arguments. */
export async function planRun(
  ports: Omit<Ports, 'store' | 'views'>,
  chosen: ChosenManifest & { readonly id: string },
  asked: Pick<DryRunAsked, 'inputs' | 'region'>,
  setting: DryRunSetting,
): Promise<DryRun> {
  const workflow = { id: chosen.id, version: chosen.version, digest: `sha256:${chosen.digest}`, source: chosen.source };
  // a package may have gone since the manifest was accepted
  const problems = checkManifestDocument(chosen.manifest, ports.packages);
  if (problems.length > 0) return withoutPlan(workflow, problems);
  const manifest = chosen.manifest as unknown as ManifestV1;
  const plan = planOf(manifest, findPackageIn(ports.packages));
  const inputs = mergeInputs(plan.inputs, asked.inputs);
  const scope = { inputs, outputs: new Map(), run: { id: NO_RUN, attempt: 1, conductorUrl: setting.conductorUrl }, workflow: plan.workflow };
  const request: PolicyRequest = { at: setting.now, actor: setting.actor, requireRegion: setting.requireRegion, ...regionOf(asked.region, setting.region, plan.workflow.region) };
  const publishing = chosen.source === 'draft' ? await decideEach(ports.policies, 'publish', publishInput(plan, request)) : [];
  const decisions = [...publishing, ...(await decideEach(ports.policies, 'start', startInput(plan, request, inputs, scope.run, VALUE_LIMITS.checkedBytesMax)))];
  const budget = { charactersLeft: VALUE_LIMITS.checkedBytesMax };
  const known = new Map([...plan.arguments].map(([id, value]) => [id, resolveKnown(value, scope, budget)]));
  const unresolved = [...argumentProblems(plan, known, ports.packages)];
  return {
    kind: 'dry-run',
    workflow,
    plan: { ...scheduleOf(manifest, plan.tasks), tasks: plan.tasks.map((task) => planned(task, known.get(task.id) ?? {})) },
    decisions,
    ...estimateOf(ports.prices, plan.tasks),
    wouldStart: unresolved.length === 0 && decisions.every(({ allow }) => allow),
    problems: unresolved,
  };
}

function withoutPlan(workflow: DryRun['workflow'], problems: readonly Problem[]): DryRun {
  return {
    kind: 'dry-run',
    workflow,
    plan: { levels: [], criticalPath: [], tasks: [] },
    decisions: [],
    estimatedCostUSD: 0,
    estimate: { currency: 'USD', basis: 'declared', runs: 0, lowMicroUsd: 0, expectedMicroUsd: 0, highMicroUsd: 0, tasks: [] },
    wouldStart: false,
    problems,
  };
}

function planned({ reads, fenced: _, ...task }: PlanTask, known: Json): PlannedTask {
  return { ...task, packageDigest: `sha256:${task.packageDigest}`, lateBound: reads.length > 0, with: known };
}

/** What would fail for sure: an input that nobody gives, and arguments that the package refuses once they are known. */
function* argumentProblems(plan: Plan, known: ReadonlyMap<string, Json>, packages: TaskPackages): Generator<Problem> {
  for (const [i, task] of plan.tasks.entries()) {
    const value = known.get(task.id) ?? {};
    const pointer = `/tasks/${i}/with`;
    const missing = findReferences(value, pointer).filter((found) => found.kind === 'reference' && found.reference.root === 'inputs');
    for (const found of missing) {
      yield { pointer: found.pointer, code: 'EXPRESSION_UNRESOLVED', message: `\${{ ${found.text} }} has no value: give it as an input` };
    }
    const resolved = packages.resolve(task.uses);
    if (resolved.kind !== 'resolved' || missing.length > 0) continue;
    for (const found of resolved.checkInput(value, { partial: task.reads.length > 0 })) {
      yield { pointer: `${pointer}${found.pointer}`, code: 'INPUT_MISMATCH', message: found.message };
    }
  }
}
