import { RestClient, jsonOf } from '@maestro/chaos';
import type { Served } from './served.ts';
import type { EndedRun, Sealed, Target, Usage } from './target.ts';

const POLL_MS = 10;
const TERMINAL = ['execution.completed.v1', 'execution.denied.v1'];

/** A conductor or a cluster in processes of its own, driven as an outside client drives it. */
export class RestTarget implements Target {
  readonly name: Target['name'];
  readonly says: string;
  readonly #served: Served;
  readonly #client: RestClient;
  readonly #metricsClients: readonly RestClient[];
  #begun = 0;
  #endedCount = 0;
  #loopDelayP99Ms: number | null = null;

  constructor(served: Served) {
    this.name = served.name;
    this.says = served.says;
    this.#served = served;
    this.#client = new RestClient(served.url);
    this.#metricsClients = served.metricsUrls.map((url) => new RestClient(url));
  }

  async publish(manifest: object): Promise<void> {
    jsonOf(await this.#client.saveDraft(manifest));
    const answer = await this.#client.publish((manifest as { readonly name: string }).name);
    if (answer.status !== 200) throw new Error(`publishing answered ${answer.status}: ${answer.body.toString('utf8')}\n${this.#served.said()}`);
  }

  async run(workflowId: string): Promise<EndedRun> {
    this.#begun += 1;
    const startedMs = performance.now();
    const { id } = jsonOf<{ readonly id: string }>(await this.#client.start({ workflowId }, `bench-${this.#begun}`));
    const { status, events } = await this.#client.tail(id, 0);
    if (status !== 200) throw new Error(`the tail of ${id} answered ${status}`);
    for await (const { event, data } of events) {
      if (!TERMINAL.includes(event)) continue;
      const endedMs = performance.now();
      this.#endedCount += 1;
      const stored = JSON.parse(data) as { readonly data: { readonly verdict?: string } };
      return { executionId: id, startedMs, endedMs, verdict: stored.data.verdict ?? 'denied' };
    }
    throw new Error(`the tail of ${id} ended before its run`);
  }

  async receipt(executionId: string): Promise<number> {
    // 409 while it is being signed; the question is asked again at once
    while ((await this.#client.bundle(executionId)).status === 409);
    return performance.now();
  }

  /** Seen by the program's own counters: asking for each receipt would measure the questions. */
  async sealed(): Promise<Sealed> {
    const signed = /^mc_receipts_signed_total\{outcome="appended"\} (\d+)$/m;
    for (;;) {
      const pages = await this.#metrics();
      const count = pages.reduce((sum, page) => sum + Number(signed.exec(page)?.[1] ?? 0), 0);
      if (count >= this.#endedCount) return { lastMs: performance.now(), sealMs: [] };
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async verifies(executionId: string): Promise<boolean> {
    const { verdict } = jsonOf<{ readonly verdict: string }>(await this.#client.get(`/api/executions/${executionId}/verify`));
    return verdict === 'VERIFIED';
  }

  async usage(): Promise<Usage> {
    await this.#metrics();
    const loopDelayP99Ms = this.#loopDelayP99Ms;
    this.#loopDelayP99Ms = null;
    return { ...this.#served.usage(), loopDelayP99Ms };
  }

  async close(): Promise<void> {
    await Promise.all([this.#client, ...this.#metricsClients].map((client) => client.close()));
    await this.#served.stop();
  }

  /** One page of each process. Every scrape begins the delay anew, so the worst of all since the last reading is kept. */
  async #metrics(): Promise<readonly string[]> {
    const pages = await Promise.all(this.#metricsClients.map(async (client) => (await client.get('/metrics', '*/*')).body.toString('utf8')));
    for (const page of pages) {
      const delayMs = Number(/^mc_event_loop_delay_ms\{quantile="0\.99"\} (\S+)$/m.exec(page)?.[1] ?? Number.NaN);
      if (!Number.isNaN(delayMs)) this.#loopDelayP99Ms = Math.max(delayMs, this.#loopDelayP99Ms ?? 0);
    }
    return pages;
  }
}
