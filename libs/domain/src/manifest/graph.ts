/** Tasks and what each waits for. */
export type Needs = ReadonlyMap<string, readonly string[]>;

type Node = { readonly id: string; readonly needs: ReadonlySet<string>; readonly dependents: Node[]; waitingFor: number };

/**
 * All tasks in an order in which each comes after its needs (Kahn), grouped by level: level 0 needs nothing.
 * `stuck` are the tasks on or behind a cycle. Linear in tasks and edges. Unknown needs are ignored.
 */
export function levelsOf(needs: Needs): { readonly levels: readonly (readonly string[])[]; readonly stuck: readonly string[] } {
  const nodes = new Map<string, Node>();
  for (const [id, list] of needs) nodes.set(id, { id, needs: new Set(list), dependents: [], waitingFor: 0 });
  for (const node of nodes.values()) {
    for (const need of node.needs) {
      const before = nodes.get(need);
      if (before === undefined) continue;
      before.dependents.push(node);
      node.waitingFor += 1;
    }
  }
  const levels: string[][] = [];
  let level = [...nodes.values()].filter((node) => node.waitingFor === 0);
  while (level.length > 0) {
    levels.push(level.map(({ id }) => id));
    level = level.flatMap(({ dependents }) => dependents.filter((dependent) => --dependent.waitingFor === 0));
  }
  return { levels, stuck: [...nodes.values()].filter((node) => node.waitingFor > 0).map(({ id }) => id) };
}

/** Task → the tasks that wait for it, without doubles. */
export function dependentsOf(needs: Needs): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>();
  for (const [id, list] of needs) {
    for (const need of new Set(list)) {
      const known = dependents.get(need);
      if (known === undefined) dependents.set(need, [id]);
      else known.push(id);
    }
  }
  return dependents;
}

/** One cycle among the stuck tasks, in order, its first task repeated at the end. */
export function cycleAmong(needs: Needs, stuck: readonly string[]): readonly string[] {
  const among = new Set(stuck);
  const seen = new Map<string, number>();
  const path: string[] = [];
  let at = stuck[0];
  // every stuck task waits for another stuck one, so the walk must come back to a task that it has seen
  while (at !== undefined && !seen.has(at)) {
    seen.set(at, path.length);
    path.push(at);
    at = (needs.get(at) ?? []).find((need) => among.has(need));
  }
  return at === undefined ? [] : [...path.slice(seen.get(at)), at];
}

/**
 * Answers whether a task waits for another one, directly or not. Made once for all tasks, one bit for each pair, so that
 * 1,000 tasks which all refer to each other cost one pass over the edges and not one for each task. A task on or behind
 * a cycle waits for everything, as far as anybody can say.
 */
export function waitsFor(needs: Needs): (id: string, other: string) => boolean {
  /** `self`: the one bit of a task; `below`: the bits of all that it waits for */
  const placed = new Map<string, { readonly self: bigint; readonly below: bigint }>();
  for (const [bit, id] of levelsOf(needs).levels.flat().entries()) {
    let below = 0n;
    for (const need of new Set(needs.get(id))) {
      const before = placed.get(need);
      if (before !== undefined) below |= before.self | before.below;
    }
    placed.set(id, { self: 1n << BigInt(bit), below });
  }
  return (id, other) => {
    const task = placed.get(id);
    if (task === undefined) return true;
    const before = placed.get(other);
    return before !== undefined && (task.below & before.self) !== 0n;
  };
}
