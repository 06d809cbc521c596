import type { ManifestV1, PlanTask } from '@maestro/contracts';
import { findReferences } from '../expression/references.ts';
import type { Json, JsonObject } from '../json.ts';
import { dependentsOf, levelsOf } from './graph.ts';
import { needsOf } from './check-manifest.ts';
import { withOf } from './manifest.ts';
import type { FindPackage, ManifestTask } from './manifest.ts';

/** Defaults that a manifest may leave out. */
export const PLAN_DEFAULTS = { timeoutSeconds: 300, retries: 0, className: 'small', runTimeoutMs: 24 * 3_600_000 } as const;

/** The normalised form of a manifest, whatever its schema version: what runs, in which order, with which limits. */
export type Plan = {
  readonly workflow: { readonly id: string; readonly version: string; readonly region: string | null };
  readonly labels: { readonly [key: string]: string };
  /** defaults of the run's inputs */
  readonly inputs: JsonObject;
  readonly tasks: readonly PlanTask[];
  /** task id → `with` as written, expressions and all */
  readonly arguments: ReadonlyMap<string, JsonObject>;
};

/** Takes a manifest that `checkManifest` found no problem in. */
export function planOf(manifest: ManifestV1, findPackage: FindPackage): Plan {
  return {
    workflow: { id: manifest.name, version: manifest.version, region: manifest.region ?? null },
    labels: manifest.labels ?? {},
    inputs: (manifest.inputs ?? {}) as JsonObject,
    tasks: manifest.tasks.map((task) => planTask(task, findPackage)),
    arguments: new Map(manifest.tasks.map((task) => [task.id, withOf(task)])),
  };
}

function planTask(task: ManifestTask, findPackage: FindPackage): PlanTask {
  const facts = findPackage(task.uses);
  if (facts === undefined) throw new Error(`planOf needs a checked manifest; ${task.uses} is unknown`);
  return {
    id: task.id,
    uses: task.uses,
    packageDigest: facts.digest,
    needs: [...new Set(task.needs ?? [])],
    retries: task.retries ?? PLAN_DEFAULTS.retries,
    timeoutMs: (task.timeoutSeconds ?? PLAN_DEFAULTS.timeoutSeconds) * 1_000,
    class: task.resources?.class ?? PLAN_DEFAULTS.className,
    fenced: facts.fenced,
    reads: readsOf(withOf(task)),
    expectedDurationMs: facts.expectedDurationMs,
  };
}

/** Tasks whose outputs a value refers to, sorted, each once. A status is known without reading anything. */
export function readsOf(value: Json): string[] {
  const found = findReferences(value).flatMap((one) =>
    one.kind === 'reference' && one.reference.root === 'output' ? [one.reference.taskId] : [],
  );
  return [...new Set(found)].sort();
}

/** Inputs of a run: the manifest's defaults, each replaced as a whole by what the start gave. */
export function mergeInputs(defaults: JsonObject, given: JsonObject): JsonObject {
  return { ...defaults, ...given };
}

/** A task and the longest way from it to an end. */
type Chain = { readonly id: string; readonly durationMs: number; readonly next: Chain | undefined };

/** Tasks level by level, and the longest chain by expected duration. */
export function scheduleOf(manifest: ManifestV1, tasks: readonly PlanTask[]): { levels: readonly (readonly string[])[]; criticalPath: readonly string[] } {
  const needs = needsOf(manifest.tasks);
  const { levels } = levelsOf(needs);
  const expectedMs = new Map(tasks.map((task) => [task.id, task.expectedDurationMs]));
  const dependents = dependentsOf(needs);
  const chains = new Map<string, Chain>();
  const longest = (ids: readonly string[]) =>
    ids.flatMap((id) => chains.get(id) ?? []).reduce<Chain | undefined>((best, chain) => (best === undefined || chain.durationMs > best.durationMs ? chain : best), undefined);
  for (const id of levels.flat().reverse()) {
    const next = longest(dependents.get(id) ?? []);
    chains.set(id, { id, durationMs: (expectedMs.get(id) ?? 0) + (next?.durationMs ?? 0), next });
  }
  const criticalPath: string[] = [];
  for (let at = longest(levels[0] ?? []); at !== undefined; at = at.next) criticalPath.push(at.id);
  return { levels, criticalPath };
}
