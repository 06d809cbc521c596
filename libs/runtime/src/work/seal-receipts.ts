import { prepareCommit, EMPTY_HEAD } from '@maestro/codec';
import type { ReceiptSignedV1 } from '@maestro/contracts';
import { parseExecutionId, receiptStream, traceContextOf } from '@maestro/domain';
import type { ExecutionId, Recorded, StreamName } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { Clock, EventStore, EvidenceStore, Log, Metrics, ProcessState, Signer, StoredEvent, Tracer } from '@maestro/ports';
import { CURRENT_ASSEMBLER, assembleSet, eventsJsonl, sha256 } from '@maestro/receipt';
import { endOfTurn } from '../byte-slices.ts';
import type { Pause } from '../byte-slices.ts';
import { internalCommandId } from '../commands/command-ids.ts';
import { followEvents } from '../follow-events.ts';
import type { Batch } from '../follow-events.ts';
import { loadStream, recordedOf } from '../recorded-events.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { inSpan } from '../tracing/in-span.ts';

export type ReceiptDependencies = {
  readonly store: EventStore;
  readonly evidence: EvidenceStore;
  readonly signer: Signer;
  readonly state: ProcessState;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly tenant: string;
  readonly supervision?: Supervision | undefined;
  readonly tracer?: Tracer | undefined;
  /** default: the end of the present turn of the event loop */
  readonly pause?: Pause;
  /** the owner of one share of the runs: its name; the store shows it no others. Absent: all runs */
  readonly share?: string | undefined;
};

const NAME = 'receipts';
/** the other of its two loops: what was folded is worked off */
const SEALING = 'receipts-sealing';
const TYPES = ['execution.completed.v1', 'execution.denied.v1', 'receipt.signed.v1'];
const BATCH_MAX = 64;
/** Events that are decoded in one go, about 3 ms; a history with more of them lets others run in between. */
const SLICE_EVENTS = 250;
const RETRY_MS = 1_000;

type Draft = { readonly id: ExecutionId; readonly bundle: Uint8Array; readonly signed: Omit<ReceiptSignedV1['data'], 'evidence'>; readonly terminal: Recorded };

/**
 * Gives every ended run its receipt.
 * S1. Order: terminal event → assemble → sign → durable evidence → `receipt.signed`. So "signed" is never shown before
 *     the bundle can be fetched, and a crash anywhere repeats the steps and changes nothing.
 * S2. The receipt is the bundle that `receipt.signed` names, appended at expected 'none': the first one wins.
 * S3. The cursor says what was folded; a run is due from its terminal event until its `receipt.signed` is folded.
 * S4. Evidence is written in batches; whatever ends while a batch is written is in the next one.
 * S5. Nothing is sealed before the past is folded: it may hold the receipt already.
 * S6. A run of which no receipt can be made is named and set aside until the next start, which tries it once more; a
 *     fault that may pass is waited out.
 * S7. A long history is read, decoded and assembled in slices: a run of 1,000 tasks stops nobody else when it ends.
 * S8. It says that it fails only while something waits for what fails, and no more once it was stopped.
 */
export class ReceiptSealer {
  readonly #d: ReceiptDependencies;
  readonly #name: string;
  readonly #sealingName: string;
  /** runs that ended and whose `receipt.signed` was not folded yet */
  readonly #due = new Set<string>();
  /** those of them that nothing was done about yet, with their terminal events */
  readonly #waiting = new Map<string, Recorded>();
  readonly #abort = new AbortController();
  #isCaughtUp = false;
  #loop: Promise<void> | undefined;
  #sealing: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(dependencies: ReceiptDependencies) {
    this.#d = dependencies;
    const suffix = dependencies.share === undefined ? '' : `/${dependencies.share}`;
    this.#name = `${NAME}${suffix}`;
    this.#sealingName = `${SEALING}${suffix}`;
  }

  async start(): Promise<void> {
    const { cursor, rows } = await this.#d.state.load(this.#name);
    for await (const { key, value } of rows) this.#await(key, value as unknown as Recorded);
    const { clock, log, supervision } = this.#d;
    this.#loop = followEvents(this.#d.store, { after: cursor, filter: { types: TYPES }, signal: this.#abort.signal, clock, log, name: this.#name, supervision }, (batch) =>
      this.#fold(batch),
    ).catch((error: unknown) => this.#d.log.log('error', 'sealing of receipts stopped', { error }));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelRetry?.();
    await this.#loop;
    await this.#sealing;
    this.#d.supervision?.loops.stopped(this.#sealingName);
  }

  get dueCount(): number {
    return this.#due.size;
  }

  #await(id: string, terminal: Recorded): void {
    if (this.#due.has(id)) return;
    this.#due.add(id);
    this.#waiting.set(id, terminal);
  }

  async #fold({ events, cursor, caughtUp }: Batch): Promise<void> {
    const upserts: { key: string; value: never }[] = [];
    const deletes: string[] = [];
    for (const recorded of events) {
      if (recorded.event.type === 'receipt.signed.v1') {
        const { executionId } = recorded.event.data;
        this.#due.delete(executionId);
        this.#waiting.delete(executionId);
        deletes.push(executionId);
      } else {
        const id = recorded.stream.slice('execution-'.length);
        this.#await(id, recorded);
        upserts.push({ key: id, value: recorded as never });
      }
    }
    // sealing begins before the cursor is written: what it would lose is found again by folding
    this.#isCaughtUp ||= caughtUp;
    this.#sealSoon();
    const gone = new Set(deletes);
    await this.#d.state.apply(this.#name, cursor, upserts.filter(({ key }) => !gone.has(key)), deletes);
  }

  #sealSoon(): void {
    if (this.#sealing !== undefined || !this.#isCaughtUp || this.#abort.signal.aborted) return;
    this.#sealing = this.#sealAll().finally(() => {
      this.#sealing = undefined;
      if (this.#waiting.size > 0) this.#retryLater();
    });
  }

  #retryLater(): void {
    if (this.#abort.signal.aborted) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#d.clock.after(RETRY_MS, () => this.#sealSoon());
  }

  async #sealAll(): Promise<void> {
    // what failed before may have been worked off by another owner since
    if (this.#waiting.size === 0) this.#d.supervision?.loops.works(this.#sealingName);
    while (this.#waiting.size > 0 && !this.#abort.signal.aborted) {
      try {
        await this.#sealBatch(this.#nextBatch());
        this.#d.supervision?.loops.works(this.#sealingName);
      } catch (error) {
        this.#d.supervision?.loops.failing(this.#sealingName, error);
        this.#d.log.log('warn', 'receipts wait: something that they need does not work', { waiting: this.#waiting.size, error });
        return;
      }
    }
  }

  #nextBatch(): readonly Recorded[] {
    const batch: Recorded[] = [];
    for (const terminal of this.#waiting.values()) if (batch.push(terminal) === BATCH_MAX) break;
    return batch;
  }

  /** Afterwards none of them waits any more; or something that all of them need failed. */
  async #sealBatch(terminals: readonly Recorded[]): Promise<void> {
    const drafts = (await Promise.all(terminals.map((terminal) => this.#traced('sign receipt', terminal, () => this.#draft(terminal))))).filter((draft) => draft !== undefined);
    const items = drafts.map(({ signed, bundle }) => ({ key: `receipts/${signed.bundleDigest}`, bytes: bundle }));
    const refs = items.length === 0 ? [] : await this.#d.evidence.putMany(items);
    const named = await Promise.allSettled(
      drafts.map(async ({ id, signed, terminal }, i) => {
        const evidence = refs[i];
        if (evidence === undefined) throw new Error('evidence answered fewer references than it was given items');
        await this.#traced('name receipt', terminal, () => this.#appendSigned(id, { ...signed, evidence }, terminal));
        this.#waiting.delete(id);
        this.#d.supervision?.quarantine.clear(this.#sealingName, terminal.stream);
      }),
    );
    for (const outcome of named) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #traced<T>(name: string, { stream, correlationId }: Recorded, work: () => Promise<T>): Promise<T> {
    return inSpan(this.#d.tracer, name, { parent: traceContextOf(correlationId), attributes: { 'maestro.stream': stream } }, work);
  }

  async #draft(terminal: Recorded): Promise<Draft | undefined> {
    const id = parseExecutionId(terminal.stream.slice('execution-'.length));
    try {
      if (id === undefined) throw new Error('not a run');
      const { stored, events } = await this.#history(terminal.stream as StreamName);
      const { receipt, receiptJson, statement } = assembleSet(events, { jsonl: eventsJsonl(stored.map(({ bytes }) => bytes)) });
      const bundle = await this.#d.signer.sign(statement);
      const { name, count, head, merkleRoot } = receipt.stream;
      const stream = { name, count, head: plain(head), merkleRoot: plain(merkleRoot) };
      const signed = {
        executionId: id,
        verdict: receipt.verdict,
        assembler: CURRENT_ASSEMBLER,
        stream,
        receiptDigest: sha256(receiptJson),
        statementDigest: sha256(statement),
        bundleDigest: sha256(bundle),
        keyId: this.#d.signer.key.keyId,
        supersedes: null,
      };
      return { id, bundle, signed, terminal };
    } catch (error) {
      if (isFault(error) && (error.retryable || error.code === 'SIGNING_FAILED')) throw error;
      this.#waiting.delete(terminal.stream.slice('execution-'.length));
      this.#d.log.log('error', 'a receipt cannot be made; the run is set aside', { stream: terminal.stream, error });
      this.#d.supervision?.quarantine.setAside(this.#sealingName, terminal.stream, error);
      return undefined;
    }
  }

  async #history(stream: StreamName): Promise<{ readonly stored: readonly StoredEvent[]; readonly events: readonly Recorded[] }> {
    const { store, pause = endOfTurn } = this.#d;
    const { stored } = await loadStream(store, stream, 0n, pause);
    const events: Recorded[] = [];
    for (let at = 0; at < stored.length; at += SLICE_EVENTS) {
      for (const one of stored.slice(at, at + SLICE_EVENTS)) events.push(recordedOf(one));
      if (stored.length > SLICE_EVENTS) await pause();
    }
    return { stored, events };
  }

  async #appendSigned(id: ExecutionId, data: ReceiptSignedV1['data'], terminal: Recorded): Promise<void> {
    const stream = receiptStream(id);
    const commandId = internalCommandId(terminal.id, 'sign-receipt');
    const cause = { tenant: this.#d.tenant, stream, commandId, causationId: terminal.id, correlationId: terminal.correlationId, actor: 'role:receipt' };
    const now = new Date(this.#d.clock.nowMs()).toISOString();
    const [prepared] = prepareCommit(EMPTY_HEAD, cause, now, [{ type: 'receipt.signed.v1', data }]);
    if (prepared === undefined) return;
    const { id: eventId, event, hash } = prepared.recorded;
    // a conflict means that the run has its receipt already: this one stays a draft that nobody is shown
    const outcome = await this.#d.store.append(stream, 'none', [{ id: eventId, type: event.type, bytes: prepared.bytes, hash, sealed: null }]);
    this.#d.metrics.count('mc_receipts_signed_total', 1, { outcome: outcome.kind });
    this.#d.metrics.observe('mc_receipt_seal_ms', Math.max(0, this.#d.clock.nowMs() - Date.parse(terminal.at)));
  }
}

function plain(digest: string): string {
  return digest.slice('sha256:'.length);
}
