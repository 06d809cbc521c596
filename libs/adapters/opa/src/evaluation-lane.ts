import { Worker } from 'node:worker_threads';
import { Fault } from '@maestro/ports';
import type { EvaluationAnswer, EvaluationRequest, EvaluatorOptions } from './evaluator.ts';

/** One evaluation and whoever waits for it; settled exactly once. */
export type Job = {
  readonly request: EvaluationRequest;
  readonly timeoutMs: number;
  readonly settle: (answer: EvaluationAnswer) => void;
  readonly refuse: (fault: Fault) => void;
};
/** `unfinished`: jobs that were behind the one at fault, in order. `wasReady` false: the thread never came up. */
export type LaneEnd = { readonly unfinished: readonly Job[]; readonly wasReady: boolean };

const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './evaluation-worker.ts' : './evaluation-worker.js', import.meta.url);

/**
 * One worker thread and the jobs that it was given.
 *
 * L1. Answers come in the order of the requests, so the first job in flight is the one being evaluated.
 * L2. The time limit is that of the first job, and counts from when the thread could begin with it.
 * L3. A thread that overruns or dies is ended first; then its first job is refused and the others are handed back.
 */
export class EvaluationLane {
  readonly started: Promise<void>;
  readonly #worker: Worker;
  readonly #onAnswer: () => void;
  readonly #onEnd: (end: LaneEnd) => void;
  readonly #startup = Promise.withResolvers<void>();
  #inFlight: Job[] = [];
  #ready = false;
  #ended = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: EvaluatorOptions, onAnswer: () => void, onEnd: (end: LaneEnd) => void) {
    this.#onAnswer = onAnswer;
    this.#onEnd = onEnd;
    this.started = this.#startup.promise;
    this.started.catch(() => undefined);
    this.#worker = new Worker(ENTRY, { workerData: options, env: {} });
    this.#worker.on('message', (message: 'ready' | EvaluationAnswer) => this.#receive(message));
    this.#worker.on('error', (error: unknown) => this.#fail('the evaluation thread failed', error));
    this.#worker.on('exit', (code: number) => this.#fail(`the evaluation thread ended with code ${code}`));
  }

  get inFlightCount(): number {
    return this.#inFlight.length;
  }

  send(jobs: readonly Job[]): void {
    const idle = this.#inFlight.length === 0;
    this.#inFlight.push(...jobs);
    this.#worker.postMessage(jobs.map((job) => job.request));
    if (idle) this.#arm();
  }

  /** Ends the thread and refuses what it still had. */
  async close(fault: Fault): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#deadline);
    for (const job of this.#inFlight.splice(0)) job.refuse(fault);
    this.#startup.reject(fault);
    await this.#worker.terminate();
  }

  #receive(message: 'ready' | EvaluationAnswer): void {
    if (this.#ended) return;
    if (message === 'ready') {
      this.#ready = true;
      this.#startup.resolve();
      this.#arm();
      return;
    }
    const job = this.#inFlight.shift();
    if (job?.request.id !== message.id) {
      if (job !== undefined) this.#inFlight.unshift(job);
      this.#fail('the evaluation thread answered out of order');
      return;
    }
    this.#arm();
    job.settle(message);
    this.#onAnswer();
  }

  // A blocked event loop runs timers before it reads messages: an answer that is already there must win.
  #arm(): void {
    clearTimeout(this.#deadline);
    const [first] = this.#inFlight;
    if (first === undefined || !this.#ready) return;
    this.#deadline = setTimeout(() => {
      setImmediate(() => {
        if (this.#inFlight[0] === first) this.#fail(`no result within ${first.timeoutMs} ms`);
      });
    }, first.timeoutMs);
  }

  #fail(reason: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    void this.#worker.terminate();
    const fault = new Fault('EVALUATION_FAILED', `${reason}; the decision is a deny`, { retryable: true, cause });
    this.#startup.reject(fault);
    // Where the thread never came up, every job would meet the same end.
    const atFault = this.#inFlight.splice(0, this.#ready ? 1 : this.#inFlight.length);
    for (const job of atFault) job.refuse(fault);
    this.#onEnd({ unfinished: this.#inFlight.splice(0), wasReady: this.#ready });
  }
}
