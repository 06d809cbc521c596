import { resolveKnown } from './expression/resolve.ts';
import type { Scope } from './expression/resolve.ts';
import type { Json, JsonObject } from './json.ts';
import type { Plan } from './manifest/plan.ts';
import { POLICY_INPUT_SCHEMA } from './policy-decision.ts';

/** What policy may know of the request; everything comes from recorded events, so that a decision replays. */
export type PolicyRequest = {
  /** `at` of the event that asked for the check */
  readonly at: string;
  readonly actor: string;
  readonly region: string | null;
  readonly regionSource: 'request' | 'config' | 'workflow' | 'none';
  readonly requireRegion: boolean;
};

/** Input of the check at publish: the manifest as written, with its declared inputs. */
export function publishInput(plan: Plan, request: PolicyRequest): Json {
  return inputOf('publish', plan, request, null, [...plan.arguments].map(([id, written]) => taskInput(plan, id, written)));
}

/**
 * Input of the one check at the start of a run: merged inputs, and each task's arguments as far as they are known.
 * Undefined: expressions would put in more than `charactersMax`. Policy cannot see such a run, so nothing allows it.
 */
export function startInput(plan: Plan, request: PolicyRequest, inputs: JsonObject, run: Scope['run'], charactersMax: number): Json | undefined {
  const scope: Scope = { inputs, outputs: new Map(), run, workflow: plan.workflow };
  const budget = { charactersLeft: charactersMax };
  const tasks = [...plan.arguments].map(([id, written]) => taskInput(plan, id, resolveKnown(written, scope, budget)));
  return budget.charactersLeft < 0 ? undefined : inputOf('start', plan, request, inputs, tasks);
}

/** Input of the check of one attempt whose arguments policy has not seen. */
export function taskCheckInput(plan: Plan, request: PolicyRequest, inputs: JsonObject, taskId: string, resolved: Json): Json {
  return inputOf('task', plan, request, inputs, [taskInput(plan, taskId, resolved)]);
}

function inputOf(stage: string, plan: Plan, request: PolicyRequest, inputs: JsonObject | null, tasks: readonly Json[]): Json {
  const { id, version, region } = plan.workflow;
  return {
    schema: POLICY_INPUT_SCHEMA,
    stage,
    at: request.at,
    workflow: { id, version, region, labels: plan.labels, ...(inputs === null ? { inputs: plan.inputs } : {}) },
    request: { region: request.region, regionSource: request.regionSource },
    actor: request.actor,
    config: { requireRegion: request.requireRegion },
    inputs,
    tasks,
  };
}

function taskInput(plan: Plan, id: string, resolved: Json): Json {
  const task = plan.tasks.find((one) => one.id === id);
  if (task === undefined) throw new Error(`no task ${id} in the plan`);
  return { id, uses: task.uses, class: task.class, with: resolved, lateBound: task.reads.length > 0 };
}

/** Which region a run is asked to stay in, and who said so: the request, else the deployment, else the workflow. */
export function regionOf(
  requested: string | null,
  configured: string | null,
  declared: string | null,
): { readonly region: string | null; readonly regionSource: PolicyRequest['regionSource'] } {
  if (requested !== null) return { region: requested, regionSource: 'request' };
  if (configured !== null) return { region: configured, regionSource: 'config' };
  return declared === null ? { region: null, regionSource: 'none' } : { region: declared, regionSource: 'workflow' };
}
