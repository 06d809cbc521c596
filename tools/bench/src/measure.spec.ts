import { measure } from './measure.ts';
import type { EndedRun, Target } from './target.ts';
import type { Workload } from './workloads.ts';

const WORKLOAD: Workload = { id: 'W3', says: '', tasks: 3, manifest: { name: 'three' }, inFlight: 1, fetchesReceipt: false };
/** No time but a number of runs: 1 to warm up, 5 measured. */
const EFFORT = { warmUpMs: 0, measureMs: 0, runsMin: 5 };

/** Every run takes 10 ms longer than the one before; its receipt comes 3 ms after its end. */
class ScriptedTarget implements Target {
  readonly name = 'engine';
  readonly says = '';
  readonly calls: string[] = [];
  verdict = 'succeeded';
  isSound = true;
  #runs = 0;
  #cpuMs = 0;
  readonly #ended = new Map<string, number>();

  async publish(manifest: object): Promise<void> {
    this.calls.push(`publish ${(manifest as { name: string }).name}`);
  }

  async run(workflowId: string): Promise<EndedRun> {
    this.#runs += 1;
    this.#cpuMs += 4;
    const executionId = `${workflowId}-${this.#runs}`;
    this.calls.push(executionId);
    this.#ended.set(executionId, 1_000 + this.#runs * 10);
    return { executionId, startedMs: 1_000, endedMs: 1_000 + this.#runs * 10, verdict: this.verdict };
  }

  async receipt(executionId: string): Promise<number> {
    return (this.#ended.get(executionId) ?? 0) + 3;
  }

  async sealed(): Promise<{ lastMs: number; sealMs: readonly number[] }> {
    this.calls.push('sealed');
    return { lastMs: 0, sealMs: [3, 3] };
  }

  async verifies(executionId: string): Promise<boolean> {
    this.calls.push(`verify ${executionId}`);
    return this.isSound;
  }

  async usage(): Promise<{ cpuMs: number; rssBytes: number; writtenBytes: null; loopDelayP99Ms: number }> {
    return { cpuMs: this.#cpuMs, rssBytes: 5, writtenBytes: null, loopDelayP99Ms: 1 };
  }

  async close(): Promise<void> {}
}

describe('a measurement', () => {
  it('leaves the warm-up out of every figure, and has it sealed before it begins', async () => {
    const target = new ScriptedTarget();
    const measured = await measure(target, WORKLOAD, EFFORT);
    expect(measured).toMatchObject({ workload: 'W3', target: 'engine', warmUpRuns: 1, runs: 5, verified: 5 });
    expect(measured.latencyMs).toEqual({ count: 5, p50: 40, p95: 60, p99: 60, max: 60 });
    expect(measured.stepsPerSecond).toBeCloseTo(measured.runsPerSecond * 3, 6);
    expect(measured).toMatchObject({ cpuMsPerRun: 4, writtenBytesPerRun: null, rssBytes: 5, loopDelayP99Ms: 1 });
    expect(target.calls.slice(0, 4)).toEqual(['publish three', 'three-1', 'sealed', 'three-2']);
  });

  it('from terminal event to receipt counts nothing else', async () => {
    const measured = await measure(new ScriptedTarget(), { ...WORKLOAD, fetchesReceipt: true }, EFFORT);
    expect(measured.latencyMs).toMatchObject({ p50: 3, max: 3 });
  });

  it('keeps as many runs open as the workload says', async () => {
    const target = new ScriptedTarget();
    let openMax = 0;
    let open = 0;
    const run = target.run.bind(target);
    target.run = async (id) => {
      open += 1;
      openMax = Math.max(openMax, open);
      await Promise.resolve();
      open -= 1;
      return run(id);
    };
    await measure(target, { ...WORKLOAD, inFlight: 3 }, EFFORT);
    expect(openMax).toBe(3);
  });

  it('does not count runs that failed', async () => {
    const target = new ScriptedTarget();
    target.verdict = 'failed';
    await expect(measure(target, WORKLOAD, EFFORT)).rejects.toThrow('ended as failed');
  });

  it('is void when a receipt does not verify', async () => {
    const target = new ScriptedTarget();
    target.isSound = false;
    await expect(measure(target, WORKLOAD, EFFORT)).rejects.toThrow('does not verify');
  });
});
