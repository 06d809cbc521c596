import { isFault } from '@maestro/ports';
import type { Clock, EventStore, Log, Metrics, ProcessState } from '@maestro/ports';
import { followEvents } from '../follow-events.ts';
import type { Batch } from '../follow-events.ts';
import type { Supervision } from '../supervision/supervision.ts';

/** What the verifier says of the stored receipt of a run: `VERIFIED`, or the class of the first failure. */
export type VerifyReceipt = (executionId: string) => Promise<{ readonly verdict: string }>;

export type VerifierDependencies = {
  readonly store: EventStore;
  readonly state: ProcessState;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly verify: VerifyReceipt;
  /** absent: nobody asks how the loop is */
  readonly supervision?: Supervision | undefined;
  /** the owner of one share of the runs: its name; the store shows it no others. Absent: all runs */
  readonly share?: string | undefined;
};

/** A receipt that did not verify when it was looked at. */
export type FailedReceipt = { readonly executionId: string; readonly code: string; readonly detail: string; readonly at: string };

/** Name of the verifier's rows in the process state. */
export const VERIFIED_RECEIPTS = 'verified-receipts';
/** One verification may cost a long history; after it, the verifier rests this many times as long. */
const REST_FACTOR = 4;
const REST_MS_MAX = 2_000;

/**
 * Verifies what the receipt role has stored, as anybody else would: from the bytes that are read back.
 * V1. Every `receipt.signed` is looked at once; the cursor is written after it, so a crash only looks again. What was looked
 *     at before a fault in a batch is not looked at again when the batch comes again.
 * V2. One at a time, and it rests longer than it works: it takes no more than a fifth of the thread, however much waits.
 * V3. What does not verify is told and remembered, and holds nothing up. What cannot be read now is waited for.
 * V4. It works as soon as it has looked at one, however many wait.
 */
export class ReceiptVerifier {
  readonly #d: VerifierDependencies;
  readonly #name: string;
  readonly #abort = new AbortController();
  /** by run, since the cursor was written: what failed, undefined where it verified */
  readonly #looked = new Map<string, FailedReceipt | undefined>();
  #loop: Promise<void> | undefined;

  constructor(dependencies: VerifierDependencies) {
    this.#d = dependencies;
    this.#name = dependencies.share === undefined ? VERIFIED_RECEIPTS : `${VERIFIED_RECEIPTS}/${dependencies.share}`;
  }

  async start(): Promise<void> {
    const { store, state, clock, log, supervision } = this.#d;
    const { cursor: after } = await state.load(this.#name);
    const following = { after, filter: { types: ['receipt.signed.v1'] }, signal: this.#abort.signal, clock, log, name: this.#name, supervision };
    this.#loop = followEvents(store, following, (batch) => this.#look(batch)).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) log.log('error', 'verification of receipts stopped', { error });
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #look({ events, cursor }: Batch): Promise<void> {
    for (const { event } of events) {
      if (event.type !== 'receipt.signed.v1' || this.#looked.has(event.data.executionId)) continue;
      const { executionId } = event.data;
      const startedUs = this.#d.clock.monotonicUs();
      this.#looked.set(executionId, await this.#verify(executionId));
      this.#d.supervision?.loops.works(this.#name);
      await this.#rest((this.#d.clock.monotonicUs() - startedUs) / 1_000);
      // the batch comes again after the next start
      if (this.#abort.signal.aborted) return;
    }
    const failed = [...this.#looked.values()].filter((failure) => failure !== undefined);
    const passed = [...this.#looked].flatMap(([executionId, failure]) => (failure === undefined ? [executionId] : []));
    await this.#d.state.apply(this.#name, cursor, failed.map((failure) => ({ key: failure.executionId, value: failure })), passed);
    this.#looked.clear();
  }

  async #verify(executionId: string): Promise<FailedReceipt | undefined> {
    const { verify, metrics, log, clock } = this.#d;
    const { code, detail } = await verify(executionId).then(
      ({ verdict }) => ({ code: verdict, detail: 'the verifier says so' }),
      (error: unknown) => {
        if (!isFault(error)) return { code: 'UNEXPECTED', detail: (error as Error).message };
        if (error.retryable || error.code === 'STORE_CLOSED') throw error;
        return { code: error.code as string, detail: error.message };
      },
    );
    const isGood = code === 'VERIFIED';
    metrics.count('mc_receipt_verifications_total', 1, { result: isGood ? 'verified' : code });
    if (isGood) return undefined;
    log.log('error', 'a stored receipt does not verify', { executionId, code, detail });
    return { executionId, code, detail, at: new Date(clock.nowMs()).toISOString() };
  }

  #rest(workedMs: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const cancel = this.#d.clock.after(Math.min(REST_MS_MAX, workedMs * REST_FACTOR), done);
      function done(): void {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      }
      if (signal.aborted) done();
      else signal.addEventListener('abort', done);
    });
  }
}

/** What did not verify when it was looked at, the oldest run first. */
export async function failedReceipts(state: ProcessState): Promise<readonly FailedReceipt[]> {
  const failed: FailedReceipt[] = [];
  for await (const { value } of (await state.load(VERIFIED_RECEIPTS)).rows) failed.push(value as unknown as FailedReceipt);
  return failed;
}
