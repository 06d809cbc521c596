import type { AnyEvent, ReceiptSignedV1, StoredEventV1 } from '@maestro/contracts';
import { merkleRoot } from '@maestro/receipt';
import type { Report } from './violation.ts';

/** What is known of one run so far. */
export type RunRecord = {
  readonly stream: string;
  readonly hashes: string[];
  /** `<task>/<attempt>`, as it was opened: handed out, or asked about first */
  readonly scheduled: Set<string>;
  readonly ended: Set<string>;
  readonly succeeded: Set<string>;
  isAllowed: boolean;
  retriesCount: number;
  verdict: string | null;
  receipt: ReceiptSignedV1['data'] | null;
};

const RUN = 'execution-';
const RECEIPT = 'receipt-';

/**
 * The life of a run: nothing is scheduled before policy allowed it, an attempt ends once, a task succeeds once, one
 * terminal event is the last, one receipt follows and names exactly this history.
 */
export class RunChecks {
  readonly #report: Report;
  readonly #runs = new Map<string, RunRecord>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** By execution id. */
  get runs(): ReadonlyMap<string, RunRecord> {
    return this.#runs;
  }

  add(stored: StoredEventV1, hash: string): void {
    const { stream } = stored;
    const event = { type: stored.type, data: stored.data } as unknown as AnyEvent;
    if (stream.startsWith(RUN)) this.#ofRun(this.#runOf(stream.slice(RUN.length)), event, hash);
    else if (stream.startsWith(RECEIPT) && event.type === 'receipt.signed.v1') this.#signed(stream, event.data);
  }

  /** What only the end of the history shows; `isSettled`: every run had the time to end. */
  finish(isSettled: boolean): void {
    for (const run of this.#runs.values()) {
      if (run.verdict === null) {
        if (isSettled) this.#report('RUN_OPEN', run.stream, `${run.hashes.length} events and no terminal one`);
      } else if (run.receipt === null) {
        if (isSettled) this.#report('RECEIPT_MISSING', run.stream, `ended as ${run.verdict}, never signed`);
      } else this.#compare(run, run.receipt);
    }
  }

  #runOf(id: string): RunRecord {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const sets = { hashes: [], scheduled: new Set<string>(), ended: new Set<string>(), succeeded: new Set<string>() };
    const run: RunRecord = { stream: `${RUN}${id}`, ...sets, isAllowed: false, retriesCount: 0, verdict: null, receipt: null };
    this.#runs.set(id, run);
    return run;
  }

  #ofRun(run: RunRecord, event: AnyEvent, hash: string): void {
    run.hashes.push(hash);
    const isTerminal = event.type === 'execution.completed.v1' || event.type === 'execution.denied.v1';
    if (run.verdict !== null) this.#report(isTerminal ? 'TERMINAL_TWICE' : 'EVENT_AFTER_END', run.stream, `${event.type} after the end`);
    switch (event.type) {
      case 'execution.policy-decided.v1':
        run.isAllowed ||= event.data.allow;
        break;
      case 'execution.task-scheduled.v1':
      case 'execution.task-policy-check-requested.v1':
        if (!run.isAllowed) this.#report('SCHEDULED_UNDECIDED', run.stream, `${event.data.taskId} was scheduled before policy allowed the run`);
        run.scheduled.add(`${event.data.taskId}/${event.data.attempt}`);
        break;
      case 'execution.task-retry-scheduled.v1':
        run.retriesCount += 1;
        break;
      case 'execution.task-succeeded.v1':
        if (run.succeeded.has(event.data.taskId)) this.#report('TASK_SUCCEEDED_TWICE', run.stream, event.data.taskId);
        run.succeeded.add(event.data.taskId);
        this.#attemptEnded(run, event.data);
        break;
      case 'execution.task-failed.v1':
      case 'execution.task-timed-out.v1':
        this.#attemptEnded(run, event.data);
        break;
      case 'execution.completed.v1':
        run.verdict ??= event.data.verdict;
        break;
      case 'execution.denied.v1':
        run.verdict ??= 'denied';
        break;
      default:
    }
  }

  #attemptEnded(run: RunRecord, { taskId, attempt }: { readonly taskId: string; readonly attempt: number }): void {
    const name = `${taskId}/${attempt}`;
    if (!run.scheduled.has(name)) this.#report('ATTEMPT_UNSCHEDULED', run.stream, `attempt ${name} ended and was never scheduled`);
    if (run.ended.has(name)) this.#report('ATTEMPT_ENDED_TWICE', run.stream, `attempt ${name} has two results`);
    run.ended.add(name);
  }

  #signed(stream: string, data: ReceiptSignedV1['data']): void {
    const run = this.#runs.get(data.executionId);
    if (run === undefined || run.verdict === null) {
      this.#report('RECEIPT_BEFORE_END', stream, 'signed before the run had its terminal event');
      return;
    }
    if (run.receipt !== null && data.supersedes === null) this.#report('RECEIPT_TWICE', stream, 'a second receipt that supersedes none');
    run.receipt ??= data;
  }

  #compare({ stream, hashes, verdict }: RunRecord, receipt: ReceiptSignedV1['data']): void {
    const [first, ...rest] = hashes;
    if (first === undefined) return;
    const found = { name: stream, count: hashes.length, head: hashes.at(-1), merkleRoot: merkleRoot([first, ...rest]), verdict };
    const { name, count, head, merkleRoot: root } = receipt.stream;
    const named = { name, count, head, merkleRoot: root, verdict: receipt.verdict };
    for (const key of ['name', 'count', 'head', 'merkleRoot', 'verdict'] as const) {
      if (found[key] !== named[key]) this.#report('RECEIPT_MISMATCH', stream, `the receipt says ${key} ${named[key]}, the history ${found[key]}`);
    }
  }
}
