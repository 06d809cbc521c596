import { jsonOf } from '../rest-client.ts';
import type { RestClient } from '../rest-client.ts';

/** Ordinary work of a conductor: children, a wait, a value handed on; some runs fail and are resumed, some are cancelled. */
export const ORDINARY = {
  name: 'soak-ordinary',
  version: '1.0.0',
  inputs: { n: 1 },
  tasks: [
    { id: 'compute', uses: 'pkg:json/query@1.0.0', with: { query: 'n * 2', data: { n: '${{ inputs.n }}' } } },
    { id: 'wait', uses: 'pkg:core/sleep@1.0.0', with: { ms: 20 }, needs: ['compute'] },
    { id: 'join', uses: 'pkg:core/echo@1.0.0', with: { value: '${{ tasks.compute.outputs.result }}' }, needs: ['wait'] },
  ],
};
export const FAILING = {
  name: 'soak-failing',
  version: '1.0.0',
  tasks: [
    { id: 'kept', uses: 'pkg:core/echo@1.0.0', with: { value: 1 } },
    { id: 'broken', uses: 'pkg:core/fail@1.0.0', with: { code: 'SOAK', message: 'as it should', retryable: false }, needs: ['kept'] },
  ],
};
export const ENDLESS = { name: 'soak-endless', version: '1.0.0', tasks: [{ id: 'sleep', uses: 'pkg:core/sleep@1.0.0', with: { ms: 3_600_000 } }] };

const TERMINAL = ['execution.completed.v1', 'execution.denied.v1'];
/** Of every 40 runs: one fails and is resumed, one is cancelled, one is verified, one is listed. */
const TURN = 40;
const TICK_MS = 10;
/** Open runs beyond this mean that the load is more than is served: they are counted, not begun. */
const OPEN_MAX = 256;
/** Errors whose words are kept. */
const ERRORS_TOLD = 10;

/**
 * Runs at a given rate, whether or not earlier ones have ended: what waits shows as latency, not as fewer requests.
 * S1. Nothing is sent twice: an answer that is no success, or a tail that breaks, is an error and counted.
 * S2. Only what ended since the last `take` is in its samples.
 */
export class SteadyLoad {
  readonly #client: RestClient;
  #begun = 0;
  #ended = 0;
  #open = 0;
  #skipped = 0;
  #errorCount = 0;
  readonly #errors: string[] = [];
  #latencyMs: number[] = [];
  readonly #pending = new Set<Promise<void>>();

  constructor(client: RestClient) {
    this.#client = client;
  }

  get endedCount(): number {
    return this.#ended;
  }

  /** Runs that were due while `OPEN_MAX` were open. */
  get skippedCount(): number {
    return this.#skipped;
  }

  get errorCount(): number {
    return this.#errorCount;
  }

  /** The first of them, in words. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** From start to terminal event, milliseconds, of ordinary runs that ended since the last call. */
  take(): readonly number[] {
    const taken = this.#latencyMs;
    this.#latencyMs = [];
    return taken;
  }

  async publish(): Promise<void> {
    for (const manifest of [ORDINARY, FAILING, ENDLESS]) {
      jsonOf(await this.#client.saveDraft(manifest));
      jsonOf(await this.#client.publish(manifest.name));
    }
  }

  /** `width` clients, each of which begins anew when its run has ended. Answers runs per second. */
  async asFastAsPossible(ms: number, width: number): Promise<number> {
    const from = performance.now();
    const before = this.#ended;
    const client = async (): Promise<void> => {
      while (performance.now() - from < ms && this.#errorCount === 0) await this.#one();
    };
    await Promise.all(Array.from({ length: width }, client));
    return ((this.#ended - before) * 1_000) / (performance.now() - from);
  }

  /** Begins `perSecond` runs a second, evenly, until stopped. */
  keep(perSecond: number): { stop(): Promise<void> } {
    const from = performance.now();
    let due = 0;
    const timer = setInterval(() => {
      for (const now = ((performance.now() - from) * perSecond) / 1_000; due < now; due++) this.#begin();
    }, TICK_MS);
    return {
      stop: async () => {
        clearInterval(timer);
        await Promise.all(this.#pending);
      },
    };
  }

  #begin(): void {
    if (this.#open >= OPEN_MAX) {
      this.#skipped += 1;
      return;
    }
    const running = this.#one();
    this.#pending.add(running);
    void running.then(() => this.#pending.delete(running));
  }

  async #one(): Promise<void> {
    const n = this.#begun++;
    this.#open += 1;
    try {
      await this.#kindOf(n);
    } catch (error) {
      this.#errorCount += 1;
      if (this.#errors.length < ERRORS_TOLD) this.#errors.push(`run ${n}: ${String(error)}`);
    }
    this.#open -= 1;
    this.#ended += 1;
  }

  async #kindOf(n: number): Promise<void> {
    const turn = n % TURN;
    if (turn === 10) await this.#failAndResume(n);
    else if (turn === 20) await this.#cancel(n);
    else await this.#ordinary(n, turn);
  }

  async #ordinary(n: number, turn: number): Promise<void> {
    const from = performance.now();
    const id = await this.#start(ORDINARY.name, n, { n });
    await this.#followToEnd(id);
    this.#latencyMs.push(performance.now() - from);
    if (turn === 30) await this.#verify(id);
    if (turn === 39) jsonOf(await this.#client.get(`/api/executions?workflow=${ORDINARY.name}&limit=20`));
  }

  async #failAndResume(n: number): Promise<void> {
    const id = await this.#start(FAILING.name, n, {});
    await this.#followToEnd(id);
    const resumed = jsonOf<{ id: string }>(await this.#client.command(`/api/executions/${id}/resume`, {}, `soak-${n}`));
    await this.#followToEnd(resumed.id);
  }

  async #cancel(n: number): Promise<void> {
    const id = await this.#start(ENDLESS.name, n, {});
    jsonOf(await this.#client.command(`/api/executions/${id}/cancel`, {}, `soak-${n}`));
    await this.#followToEnd(id);
  }

  async #start(workflowId: string, n: number, inputs: object): Promise<string> {
    return jsonOf<{ id: string }>(await this.#client.start({ workflowId, inputs }, `soak-${n}`)).id;
  }

  async #followToEnd(id: string): Promise<void> {
    const { status, events } = await this.#client.tail(id, 0);
    if (status !== 200) throw new Error(`the tail of ${id} answered ${status}`);
    for await (const { event } of events) if (TERMINAL.includes(event)) return;
    throw new Error(`the tail of ${id} broke`);
  }

  async #verify(id: string): Promise<void> {
    // 409: it is being signed
    while ((await this.#client.bundle(id)).status === 409) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const { verdict } = jsonOf<{ verdict: string }>(await this.#client.get(`/api/executions/${id}/verify`));
    if (verdict !== 'VERIFIED') throw new Error(`the receipt of ${id}: ${verdict}`);
  }
}
