import type { Work, WorkKind } from '@maestro/ports';

/** One intent inside the queue. */
export type Entry = {
  readonly work: Work;
  /** how often it was handed out */
  deliveries: number;
  state: 'waiting' | 'delayed' | 'leased';
  revoked: boolean;
  /** cancels the timer of a lease or a delay */
  cancelTimer: () => void;
  /** of the handler that holds the lease */
  abort: AbortController | undefined;
};

/** Waiting entries of one class: executions take turns, and within one, first come first served. */
export class Lane {
  /** execution id → intent id → entry; the first execution is the next to be served */
  readonly #turns = new Map<string, Map<string, Entry>>();

  push(entry: Entry): void {
    const { executionId, intentId } = entry.work;
    const own = this.#turns.get(executionId);
    if (own === undefined) this.#turns.set(executionId, new Map([[intentId, entry]]));
    else own.set(intentId, entry);
  }

  take(): Entry | undefined {
    for (const [executionId, own] of this.#turns) {
      this.#turns.delete(executionId);
      for (const [intentId, entry] of own) {
        own.delete(intentId);
        if (own.size > 0) this.#turns.set(executionId, own);
        return entry;
      }
    }
    return undefined;
  }

  remove(entry: Entry): void {
    const { executionId, intentId } = entry.work;
    const own = this.#turns.get(executionId);
    own?.delete(intentId);
    if (own?.size === 0) this.#turns.delete(executionId);
  }

  get isEmpty(): boolean {
    return this.#turns.size === 0;
  }
}

/** The lanes of every kind and class. A lane that runs empty is forgotten. */
export class Lanes {
  readonly #byKind: Readonly<Record<WorkKind, Map<string, Lane>>> = { policy: new Map(), task: new Map() };

  push(entry: Entry): void {
    const lanes = this.#byKind[entry.work.kind];
    const lane = lanes.get(entry.work.workClass) ?? new Lane();
    lanes.set(entry.work.workClass, lane);
    lane.push(entry);
  }

  remove(entry: Entry): void {
    this.#byKind[entry.work.kind].get(entry.work.workClass)?.remove(entry);
  }

  /** The next entry of a kind in one of these classes (undefined: any). The class served goes to the end of the row. */
  take(kind: WorkKind, classes: ReadonlySet<string> | undefined): Entry | undefined {
    const lanes = this.#byKind[kind];
    for (const [workClass, lane] of lanes) {
      if (classes !== undefined && !classes.has(workClass)) continue;
      const entry = lane.take();
      lanes.delete(workClass);
      if (!lane.isEmpty) lanes.set(workClass, lane);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}
