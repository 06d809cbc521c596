import type { ManifestV1 } from '@maestro/contracts';
import valid from 'semver/functions/valid.js';
import { findReferences } from '../expression/references.ts';
import type { Found } from '../expression/references.ts';
import type { Json } from '../json.ts';
import { escapePointer } from '../pointer.ts';
import type { Problem } from '../rejection.ts';
import { cycleAmong, levelsOf, waitsFor } from './graph.ts';
import type { Needs } from './graph.ts';
import { MANIFEST_LIMITS, withOf } from './manifest.ts';
import type { FindPackage, ManifestTask } from './manifest.ts';

/** Names that a pattern lets through and nothing should: they are special to the language that carries them. */
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

const encoder = new TextEncoder();

/**
 * What the schema cannot say, all problems together: unique ids, needs, cycles, packages, expressions, limits.
 * Takes a manifest that its schema accepts. An empty answer means that the manifest can be planned and run.
 */
export function checkManifest(manifest: ManifestV1, findPackage: FindPackage): readonly Problem[] {
  const { tasks } = manifest;
  const needs = needsOf(tasks);
  const isBehind = waitsFor(needs);
  return [
    ...checkIdentity(manifest),
    ...checkForbiddenKeys(manifest as unknown as Json, ''),
    ...checkTaskIds(tasks),
    ...tasks.flatMap((task, i) => checkNeeds(task, `/tasks/${i}`, needs)),
    ...checkCycles(tasks, needs),
    ...tasks.flatMap((task, i) => checkPackage(task, `/tasks/${i}`, findPackage)),
    ...tasks.flatMap((task, i) => checkExpressions(task, `/tasks/${i}`, needs, isBehind)),
    ...tasks.flatMap((task, i) => checkLiterals(task, `/tasks/${i}`)),
    ...findReferences((manifest.inputs ?? {}) as Json, '/inputs').map((found) =>
      problem(found.pointer, 'EXPRESSION_NOT_ALLOWED', 'inputs are values: an expression is not allowed here'),
    ),
  ];
}

/** Task id → its needs. */
export function needsOf(tasks: readonly ManifestTask[]): Needs {
  return new Map(tasks.map((task) => [task.id, task.needs ?? []]));
}

function problem(pointer: string, code: string, message: string): Problem {
  return { pointer, code, message };
}

function checkIdentity({ name, version, region, tasks }: ManifestV1): readonly Problem[] {
  const problems: Problem[] = [];
  if (FORBIDDEN_NAMES.has(name)) problems.push(problem('/name', 'NAME_FORBIDDEN', `${name} cannot be a name`));
  if (valid(version) !== version) {
    problems.push(problem('/version', 'VERSION_INVALID', `${version} is not a semantic version (leading zeros?)`));
  }
  if (version.length > MANIFEST_LIMITS.versionLengthMax) {
    problems.push(problem('/version', 'VERSION_INVALID', `a version of ${version.length} characters; at most ${MANIFEST_LIMITS.versionLengthMax}`));
  }
  if (region !== undefined && (region === '' || region.length > MANIFEST_LIMITS.regionLengthMax)) {
    problems.push(problem('/region', 'REGION_INVALID', `a region has 1 to ${MANIFEST_LIMITS.regionLengthMax} characters`));
  }
  if (tasks.length > MANIFEST_LIMITS.tasksMax) {
    problems.push(problem('/tasks', 'TOO_MANY_TASKS', `${tasks.length} tasks; at most ${MANIFEST_LIMITS.tasksMax}`));
  }
  return problems;
}

function checkForbiddenKeys(value: Json, pointer: string): readonly Problem[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = `${pointer}/${escapePointer(key)}`;
    const own = FORBIDDEN_NAMES.has(key) ? [problem(at, 'NAME_FORBIDDEN', `the key ${key} is not allowed`)] : [];
    return [...own, ...checkForbiddenKeys(item as Json, at)];
  });
}

function checkTaskIds(tasks: readonly ManifestTask[]): readonly Problem[] {
  const first = new Map<string, number>();
  return tasks.flatMap(({ id }, i) => {
    const problems: Problem[] = [];
    if (FORBIDDEN_NAMES.has(id)) problems.push(problem(`/tasks/${i}/id`, 'NAME_FORBIDDEN', `${id} cannot be a task id`));
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, i);
    else problems.push(problem(`/tasks/${i}/id`, 'TASK_ID_NOT_UNIQUE', `task ${id} is already defined at /tasks/${earlier}`));
    return problems;
  });
}

function checkNeeds(task: ManifestTask, pointer: string, needs: Needs): readonly Problem[] {
  return (task.needs ?? []).flatMap((need, i) => {
    const at = `${pointer}/needs/${i}`;
    if (need === task.id) return [problem(at, 'TASK_NEEDS_ITSELF', `task ${task.id} needs itself`)];
    return needs.has(need) ? [] : [problem(at, 'TASK_UNKNOWN', `task ${task.id} needs ${need}, which does not exist`)];
  });
}

function checkCycles(tasks: readonly ManifestTask[], needs: Needs): readonly Problem[] {
  // a task that needs itself is reported by its own rule
  const withoutSelf = new Map([...needs].map(([id, list]) => [id, list.filter((need) => need !== id)]));
  const { stuck } = levelsOf(withoutSelf);
  const cycle = cycleAmong(withoutSelf, stuck);
  const [first] = cycle;
  if (first === undefined) return [];
  const at = tasks.findIndex((task) => task.id === first);
  return [problem(`/tasks/${at}/needs`, 'CYCLE', `the tasks wait for each other: ${cycle.join(' → ')}`)];
}

function checkPackage(task: ManifestTask, pointer: string, findPackage: FindPackage): readonly Problem[] {
  const facts = findPackage(task.uses);
  if (facts === undefined) {
    return [problem(`${pointer}/uses`, 'PACKAGE_UNKNOWN', `no package ${task.uses}; versions are exact, as in pkg:core/echo@1.0.0`)];
  }
  return facts.checkInput(withOf(task)).map((found) => problem(`${pointer}/with${found.pointer}`, 'INPUT_MISMATCH', found.message));
}

type IsBehind = ReturnType<typeof waitsFor>;

function checkExpressions(task: ManifestTask, pointer: string, needs: Needs, isBehind: IsBehind): readonly Problem[] {
  return findReferences(withOf(task), `${pointer}/with`).flatMap((one) => checkExpression(one, task.id, needs, isBehind));
}

function checkExpression(found: Found, taskId: string, needs: Needs, isBehind: IsBehind): readonly Problem[] {
  if (found.kind === 'invalid') {
    return [problem(found.pointer, 'EXPRESSION_INVALID', `\${{ ${found.text} }}: ${found.reason}`)];
  }
  const { reference, pointer, text } = found;
  if (reference.root !== 'output' && reference.root !== 'status') return [];
  const { taskId: of } = reference;
  if (!needs.has(of)) return [problem(pointer, 'TASK_UNKNOWN', `\${{ ${text} }} refers to task ${of}, which does not exist`)];
  if (of === taskId) return [problem(pointer, 'TASK_NOT_UPSTREAM', `\${{ ${text} }} refers to the task itself`)];
  if (isBehind(taskId, of)) return [];
  return [problem(pointer, 'TASK_NOT_UPSTREAM', `\${{ ${text} }} refers to ${of}, which ${taskId} does not need: add it to needs`)];
}

function checkLiterals(task: ManifestTask, pointer: string): readonly Problem[] {
  return Object.entries(withOf(task)).flatMap(([key, value]) => {
    const sizeBytes = encoder.encode(JSON.stringify(value)).length;
    const message = `a literal of ${sizeBytes} bytes; at most ${MANIFEST_LIMITS.literalBytesMax}`;
    return sizeBytes > MANIFEST_LIMITS.literalBytesMax ? [problem(`${pointer}/with/${escapePointer(key)}`, 'LITERAL_TOO_LARGE', message)] : [];
  });
}
