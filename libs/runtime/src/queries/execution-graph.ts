import type { Cursor } from '@maestro/ports';
import type { ExecutionView, TaskView } from './execution-view.ts';

export type GraphNode = Pick<TaskView, 'id' | 'uses' | 'class' | 'phase' | 'attempt' | 'reused' | 'durationMs' | 'code' | 'reason'> & {
  /** 0: needs nothing; otherwise one more than the highest level of its needs */
  readonly level: number;
};

/** `open`: waits for its task; `satisfied`: that one succeeded; `broken`: it ended otherwise, nothing passes any more. */
export type GraphEdge = { readonly from: string; readonly to: string; readonly state: 'open' | 'satisfied' | 'broken' };

/** A run as nodes and edges, for drawing. Nodes are in the order of the manifest, edges in the order of their target. */
export type ExecutionGraph = {
  readonly id: string;
  readonly workflow: ExecutionView['workflow'];
  readonly status: ExecutionView['status'];
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly revision: number;
  readonly position: Cursor;
};

/** The graph of a run, in the state that its view shows. */
export function graphOf({ id, workflow, status, tasks, revision, position }: ExecutionView): ExecutionGraph {
  const levels = levelsOf(tasks);
  const phases = new Map(tasks.map((task) => [task.id, task.phase]));
  const nodes = tasks.map((task): GraphNode => {
    const { uses, class: className, phase, attempt, reused, durationMs, code, reason } = task;
    return { id: task.id, uses, class: className, level: levels.get(task.id) ?? 0, phase, attempt, reused, durationMs, code, reason };
  });
  const edges = tasks.flatMap((task) => task.needs.map((from): GraphEdge => ({ from, to: task.id, state: edgeState(phases.get(from)) })));
  return { id, workflow, status, nodes, edges, revision, position };
}

/** Iterative: a chain of 1,000 tasks is as deep as it is long. The plan has no cycle, so every round places a task. */
function levelsOf(tasks: readonly TaskView[]): ReadonlyMap<string, number> {
  const levels = new Map<string, number>();
  const dependents = new Map<string, TaskView[]>();
  const missing = new Map(tasks.map((task) => [task.id, task.needs.length]));
  for (const { id } of tasks) dependents.set(id, []);
  for (const task of tasks) for (const need of task.needs) dependents.get(need)?.push(task);
  const ready = tasks.filter(({ needs }) => needs.length === 0);
  for (const task of ready) {
    levels.set(task.id, Math.max(-1, ...task.needs.map((need) => levels.get(need) ?? 0)) + 1);
    for (const dependent of dependents.get(task.id) ?? []) {
      const left = (missing.get(dependent.id) ?? 0) - 1;
      missing.set(dependent.id, left);
      if (left === 0) ready.push(dependent);
    }
  }
  return levels;
}

const BROKEN: readonly TaskView['phase'][] = ['failed', 'timed-out', 'skipped', 'cancelled'];

function edgeState(phase: TaskView['phase'] | undefined): GraphEdge['state'] {
  if (phase === 'succeeded') return 'satisfied';
  return phase !== undefined && BROKEN.includes(phase) ? 'broken' : 'open';
}
