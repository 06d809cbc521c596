import { Worker } from 'node:worker_threads';
import { Fault, type CallOptions, type Clock } from '@maestro/ports';
import { packAppends, type AppendRequest } from './append-batch.ts';
import { unpackOutcomes, type Outcome } from './append-outcome.ts';
import { toFault } from './storage-fault.ts';
import type { WriterOptions } from './writer-database.ts';
import type { FromWriter, ToWriter } from './writer-loop.ts';

/** What this side needs of the writer's thread; `ended` is called once, when no more answers can come. */
export type WriterLink = {
  post(message: ToWriter, transfer: readonly ArrayBuffer[]): void;
  listen(message: (message: FromWriter) => void, ended: (reason: string) => void): void;
};

const APPEND_TIMEOUT_MS = 5_000;
/** Appends that wait for their answer at most; beyond it callers are told to come again. */
const IN_FLIGHT_MAX = 20_000;

/** Starts the thread; from source it needs the condition that finds workspace packages as source. */
export function startWriterThread(o: WriterOptions): WriterLink {
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = new URL(`./writer-thread.${fromSource ? 'ts' : 'js'}`, import.meta.url);
  const worker = new Worker(entry, { workerData: o, ...(fromSource && { execArgv: ['--conditions=source'] }) });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen(message, ended) {
      let reason = 'it exited';
      worker.on('message', message);
      worker.on('error', (error) => (reason = String(error)));
      worker.on('exit', () => ended(reason));
    },
  };
}

type Pending = {
  readonly request: AppendRequest;
  /** undefined once the caller was answered, be it by a time-out */
  settle: ((outcome: Outcome | Fault) => void) | undefined;
  posted: boolean;
};

export type WriterOpened = { readonly incarnation: string; readonly position: number };
export type WriterObserver = {
  /** an append was stored; its events are at `firstPosition` and on */
  committed(request: AppendRequest, firstPosition: number): void;
  /** all answers of one message were given */
  settled(): void;
};

/**
 * Collects appends and matches answers with them.
 *
 * C1. Requests go out and answers come back in one order; `#inFlight` is that order.
 * C2. An idle writer gets a request in the same turn; for a busy one they gather until the end of the turn.
 * C3. `committed` sees every append that was stored, in order, before its caller does, timed out or not.
 */
export class WriterClient {
  readonly #link: WriterLink;
  readonly #after: Clock['after'];
  #observer: WriterObserver = { committed: () => {}, settled: () => {} };
  #waiting: Pending[] = [];
  #inFlight: Pending[] = [];
  #flushing = false;
  #ended: string | undefined;
  #closing: PromiseWithResolvers<void> | undefined;
  /** Rejects with the fault for which the store cannot be opened. */
  readonly opened: Promise<WriterOpened>;

  constructor(link: WriterLink, after: Clock['after']) {
    this.#link = link;
    this.#after = after;
    const opening = Promise.withResolvers<WriterOpened>();
    this.opened = opening.promise;
    this.opened.catch(() => {}); // whoever opens awaits it; a writer that ends later must not end the process
    link.listen(
      (message) => {
        if (message.kind === 'opened') opening.resolve(message);
        else if (message.kind === 'refused') opening.reject(toFault(message.fault));
        else if (message.kind === 'answers') this.#answered(unpackOutcomes(message));
        else if (message.fault !== null) this.#closing?.reject(toFault(message.fault));
      },
      (reason) => {
        opening.reject(writerGone(reason));
        this.#end(reason);
      },
    );
  }

  /** Call it before the first append. */
  observe(observer: WriterObserver): void {
    this.#observer = observer;
  }

  /** Rejects with STORE_OUTCOME_UNKNOWN when time runs out or the signal fires after the request has left. */
  append(request: AppendRequest, o: CallOptions): Promise<Outcome> {
    if (this.#ended !== undefined) return Promise.reject(writerGone(this.#ended));
    if (this.#waiting.length + this.#inFlight.length >= IN_FLIGHT_MAX) {
      const detail = `${IN_FLIGHT_MAX} appends wait for the disk; nothing was written, try again later`;
      return Promise.reject(new Fault('STORE_READ_ONLY', detail, { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { request, posted: false, settle: undefined };
      const timeoutMs = o.timeoutMs ?? APPEND_TIMEOUT_MS;
      const onAbort = (): void => this.#giveUp(pending, 'the signal fired');
      const cancel = this.#after(timeoutMs, () => this.#giveUp(pending, `no answer within ${timeoutMs} ms`));
      o.signal?.addEventListener('abort', onAbort);
      pending.settle = (outcome) => {
        pending.settle = undefined;
        cancel();
        o.signal?.removeEventListener('abort', onAbort);
        if (outcome instanceof Fault) reject(outcome);
        else resolve(outcome);
      };
      this.#waiting.push(pending);
      this.#flushSoon();
    });
  }

  /** Resolves when all that was sent is answered and the files are closed. Call once. */
  close(): Promise<void> {
    if (this.#ended !== undefined) return Promise.resolve();
    this.#closing = Promise.withResolvers<void>();
    this.#flush();
    this.#link.post({ kind: 'close' }, []);
    return this.#closing.promise;
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    const flush = (): void => {
      this.#flushing = false;
      this.#flush();
    };
    if (this.#inFlight.length === 0) queueMicrotask(flush);
    else setImmediate(flush);
  }

  #flush(): void {
    const batch = this.#waiting.filter((p) => p.settle !== undefined);
    this.#waiting = [];
    if (batch.length === 0 || this.#ended !== undefined) return;
    for (const p of batch) p.posted = true;
    this.#inFlight.push(...batch);
    const packed = packAppends(batch.map((p) => p.request));
    this.#link.post(packed, [packed.data.buffer]);
  }

  #answered(outcomes: readonly Outcome[]): void {
    const answered = this.#inFlight.slice(0, outcomes.length);
    this.#inFlight = this.#inFlight.slice(outcomes.length);
    for (const [i, outcome] of outcomes.entries()) {
      const request = answered[i]?.request;
      if (outcome.kind === 'appended' && request !== undefined)
        this.#observer.committed(request, outcome.firstPosition);
    }
    for (const [i, outcome] of outcomes.entries()) answered[i]?.settle?.(outcome);
    this.#observer.settled();
  }

  #giveUp(pending: Pending, why: string): void {
    if (!pending.posted)
      return pending.settle?.(new Fault('ABORTED', `${why} before the events had left; nothing was written`));
    const unknown = `${why} after the events had gone to the writer; read the stream back, or send the same events again`;
    pending.settle?.(new Fault('STORE_OUTCOME_UNKNOWN', unknown, { retryable: true }));
  }

  /** The thread is gone: after a close as asked, else by a fault of its own; what was in flight may be on disk. */
  #end(reason: string): void {
    this.#ended = reason;
    for (const p of this.#inFlight) {
      const detail = `the writer ended (${reason}); open the store again, then send the same events again`;
      p.settle?.(new Fault('STORE_OUTCOME_UNKNOWN', detail, { retryable: true }));
    }
    for (const p of this.#waiting) p.settle?.(writerGone(reason));
    this.#inFlight = [];
    this.#waiting = [];
    this.#closing?.resolve();
  }
}

const writerGone = (reason: string): Fault =>
  new Fault('STORE_READ_ONLY', `the writer ended (${reason}); nothing was written; open the store again`);
