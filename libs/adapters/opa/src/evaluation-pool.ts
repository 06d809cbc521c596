import { Fault } from '@maestro/ports';
import { EvaluationLane, type Job, type LaneEnd } from './evaluation-lane.ts';
import type { EvaluationAnswer, EvaluationRequest, EvaluatorOptions } from './evaluator.ts';

// Enough to keep a thread busy while an answer travels; few enough to be handed back cheaply.
const IN_FLIGHT_COUNT_MAX = 16;
const WAITING_COUNT_MAX = 10_000;

/**
 * Evaluations over a fixed number of threads.
 *
 * E1. A job is waiting, or in flight at one lane, or settled.
 * E2. Jobs asked for in one turn of the event loop leave together: one message per lane.
 * E3. A lane that ended is replaced, and its unfinished jobs go first; a lane that never came up is replaced only
 *     when there is work, so that a broken installation refuses and does not spin.
 */
export class EvaluationPool {
  readonly #options: EvaluatorOptions;
  readonly #size: number;
  readonly #lanes = new Set<EvaluationLane>();
  readonly #waiting: Job[] = [];
  #pumpPlanned = false;
  #closed: Fault | undefined;
  #lastId = 0;

  constructor(options: EvaluatorOptions, size: number) {
    this.#options = options;
    this.#size = size;
  }

  /** All threads up; EVALUATION_FAILED where one cannot start. */
  async start(): Promise<void> {
    while (this.#lanes.size < this.#size) this.#addLane();
    await Promise.all([...this.#lanes].map((lane) => lane.started));
  }

  /** STORE_CLOSED after `close`; EVALUATION_FAILED when the thread overran or died, or too many are waiting. */
  run(request: Omit<EvaluationRequest, 'id'>, timeoutMs: number): Promise<EvaluationAnswer> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#waiting.length >= WAITING_COUNT_MAX) {
      const detail = `${WAITING_COUNT_MAX} evaluations are waiting already; ask again later`;
      return Promise.reject(new Fault('EVALUATION_FAILED', detail, { retryable: true }));
    }
    return new Promise((settle, refuse) => {
      this.#lastId += 1;
      this.#waiting.push({ request: { id: this.#lastId, ...request }, timeoutMs, settle, refuse });
      this.#planPump();
    });
  }

  async close(): Promise<void> {
    this.#closed ??= new Fault('STORE_CLOSED', 'the policy engine was closed');
    const closed = this.#closed;
    for (const job of this.#waiting.splice(0)) job.refuse(closed);
    await Promise.all([...this.#lanes].map((lane) => lane.close(closed)));
    this.#lanes.clear();
  }

  #planPump(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    queueMicrotask(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#waiting.length === 0 || this.#closed !== undefined) return;
    while (this.#lanes.size < this.#size) this.#addLane();
    const lanes = [...this.#lanes];
    const batches = lanes.map((): Job[] => []);
    const load = lanes.map((lane) => lane.inFlightCount);
    while (this.#waiting.length > 0) {
      const least = load.indexOf(Math.min(...load));
      const inFlightCount = load[least] ?? IN_FLIGHT_COUNT_MAX;
      if (inFlightCount >= IN_FLIGHT_COUNT_MAX) break;
      load[least] = inFlightCount + 1;
      batches[least]?.push(...this.#waiting.splice(0, 1));
    }
    for (const [at, batch] of batches.entries()) if (batch.length > 0) lanes[at]?.send(batch);
  }

  #addLane(): void {
    const lane: EvaluationLane = new EvaluationLane(
      this.#options,
      () => this.#planPump(),
      (end) => this.#replace(lane, end),
    );
    this.#lanes.add(lane);
  }

  #replace(lane: EvaluationLane, { unfinished, wasReady }: LaneEnd): void {
    this.#lanes.delete(lane);
    this.#waiting.unshift(...unfinished);
    if (wasReady) this.#addLane();
    this.#planPump();
  }
}
