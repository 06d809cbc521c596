import type { ManifestV1 } from '@maestro/contracts';
import { manifestOf } from './client-commands.ts';
import type { Choices } from './seeded-choices.ts';

type Task = ManifestV1['tasks'][number];

/** More than one commit can schedule at once. */
const WIDE_TASKS = 256;

/**
 * Up to eight tasks that need earlier ones; some read outputs or the input, some are fenced, some are retried. Rarely one
 * of so many tasks side by side that scheduling goes on in a second commit.
 */
export function randomManifest(choices: Choices, name: string, version: string, mayBeWide: boolean): ManifestV1 {
  if (mayBeWide) return manifestOf(name, version, [...Array.from({ length: WIDE_TASKS + choices.below(20) }, (_, i) => taskOf(`w${i}`, [], {})), taskOf('last', ['w0'], {})]);
  const count = 1 + choices.below(8);
  return manifestOf(name, version, Array.from({ length: count }, (_, i) => randomTask(choices, i)));
}

function randomTask(choices: Choices, i: number): Task {
  const needs = Array.from({ length: i }, (_unused, j) => j).filter(() => choices.chance(0.3)).map((j) => `t${j}`);
  const [first] = needs;
  const text = first !== undefined && choices.chance(0.5) ? `\${{ tasks.${first}.outputs.text }}` : choices.chance(0.3) ? '${{ inputs.n }}' : 'plain';
  const uses = choices.chance(0.2) ? 'pkg:sim/fenced@1.0.0' : 'pkg:sim/echo@1.0.0';
  return taskOf(`t${i}`, needs, { uses, retries: choices.below(3), with: { text }, ...(choices.chance(0.1) ? { timeoutSeconds: 1 + choices.below(5) } : {}) });
}

function taskOf(id: string, needs: readonly string[], more: Partial<Task>): Task {
  return { id, uses: 'pkg:sim/echo@1.0.0', needs: [...needs], ...more };
}
