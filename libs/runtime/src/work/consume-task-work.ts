import type { AnyCommand, CommandOf } from '@maestro/contracts';
import type { Clock, CommandAnswer, CommandGateway, Consumption, Leased, Metrics, Settlement, TaskPackages, TaskResult, Tracer, WorkQueue } from '@maestro/ports';
import { UnparsedJson, isFault } from '@maestro/ports';
import { internalCommandId } from '../commands/command-ids.ts';
import type { TaskOrder } from '../dispatch/work-orders.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { inSpan } from '../tracing/in-span.ts';
import { DELIVERIES_MAX, settlementOf } from './settlement.ts';

export type TaskWorkerDependencies = {
  readonly queue: WorkQueue;
  readonly gateway: CommandGateway;
  readonly packages: TaskPackages;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly tenant: string;
  /** public name of this runner, written into events */
  readonly runner: string;
  readonly classes: readonly string[];
  readonly concurrencyMax: number;
  readonly supervision?: Supervision | undefined;
  readonly tracer?: Tracer | undefined;
};

type Report = CommandOf<'execution.report-task.v1'>['payload'];
type Outcome = Report['outcome'];

/** A task that takes longer says that it started; shorter ones cost one commit. */
const STARTED_AFTER_MS = 250;
const RETRY_DELAY_MS = 500;
const NAME = 'runner';
/** Room for the longest task (24 h) and its report; a lost runner in this process is a lost process. */
const ACK_WAIT_MS = 25 * 3_600_000;

/**
 * Takes task work, runs the package, reports by command.
 * R1. Work is acknowledged only after its report was answered: stored, or refused for good. Until then the same report
 *     is sent again; the task is not run again for it.
 * R2. The third delivery is not run again: it is reported as LOST_RUNNER, which may be retried as another attempt.
 * R3. A fenced task runs only under a lease that the run has accepted.
 * R4. What is killed because this process ends is not reported: the attempt is still open, and runs elsewhere.
 */
export function consumeTaskWork(d: TaskWorkerDependencies): Consumption {
  const host: Host = { isStopping: false };
  const consumption = d.queue.consume('task', (leased, signal) => new Attempt(d, host, leased, signal).run(), {
    classes: d.classes,
    concurrencyMax: d.concurrencyMax,
    ackWaitMs: ACK_WAIT_MS,
  });
  d.supervision?.loops.works(NAME);
  return {
    stop(graceMs) {
      host.isStopping = true;
      d.supervision?.loops.stopped(NAME);
      return consumption.stop(graceMs);
    },
  };
}

const OPENING_BRACE = 0x7b;

type Host = { isStopping: boolean };

class Attempt {
  readonly #d: TaskWorkerDependencies;
  readonly #host: Host;
  readonly #leased: Leased;
  readonly #order: TaskOrder;
  readonly #signal: AbortSignal;
  /** of the span of this attempt, for what it reports */
  #traceparent: string | undefined;

  constructor(d: TaskWorkerDependencies, host: Host, leased: Leased, signal: AbortSignal) {
    this.#d = d;
    this.#host = host;
    this.#leased = leased;
    this.#order = leased.work.payload as unknown as TaskOrder;
    this.#signal = signal;
  }

  async run(): Promise<Settlement> {
    try {
      const settlement = await this.#traced();
      if (settlement.kind === 'ack' && !this.#host.isStopping) this.#d.supervision?.loops.works(NAME);
      return settlement;
    } catch (error) {
      if (!this.#host.isStopping) this.#d.supervision?.loops.failing(NAME, error);
      if (!isFault(error)) throw error;
      return { kind: 'retry', delayMs: RETRY_DELAY_MS };
    }
  }

  #traced(): Promise<Settlement> {
    const { executionId, taskId, attempt, uses } = this.#order;
    const attributes = { 'maestro.execution.id': executionId, 'maestro.task.id': taskId, 'maestro.attempt': attempt, 'maestro.uses': uses, 'maestro.delivery': this.#leased.delivery };
    return inSpan(this.#d.tracer, `run ${uses}`, { parent: this.#leased.work.traceparent, kind: 'consumer', attributes }, (traceparent) => {
      this.#traceparent = traceparent;
      return this.#runAndReport();
    });
  }

  async #runAndReport(): Promise<Settlement> {
    const { clock, runner } = this.#d;
    const startedAt = new Date(clock.nowMs()).toISOString();
    const startUs = clock.monotonicUs();
    const leaseId = this.#order.fenced ? this.#leased.leaseId : null;
    if (leaseId !== null) {
      const answer = await this.#untilDecided(() => this.#sayStarted(startedAt, leaseId));
      if (answer.kind === 'refused') return settlementOf(answer, this.#leased.delivery);
    }
    const result = await this.#executeSayingSo(startedAt, leaseId);
    if (result.kind === 'cancelled' && this.#isKilled) return { kind: 'retry', delayMs: 0 };
    const durationMs = Math.max(0, Math.ceil((clock.monotonicUs() - startUs) / 1_000));
    this.#d.metrics.observe('mc_task_duration_ms', durationMs, { uses: this.#order.uses, outcome: result.kind });
    const { executionId, taskId, attempt, argumentsCommitment } = this.#order;
    const payload = { executionId, taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, log: result.log, outcome: outcomeOf(result) };
    return settlementOf(await this.#untilDecided(() => this.#report(payload)), this.#leased.delivery);
  }

  /** What no bus carries is said by name, so that the attempt ends. */
  async #report(payload: Report): Promise<CommandAnswer> {
    try {
      return await this.#send('report-task', { type: 'execution.report-task.v1', payload });
    } catch (error) {
      if (!isFault(error, 'COMMAND_TOO_LARGE')) throw error;
      const outcome: Outcome = { kind: 'failed', code: 'OUTPUT_TOO_LARGE', message: `the output and the log are too large to be reported from this runner: ${error.message}`, retryable: false };
      return this.#send('report-task', { type: 'execution.report-task.v1', payload: { ...payload, log: '', outcome } });
    }
  }

  /** Says the same again while the conductor cannot take it, or until this process ends. */
  async #untilDecided(say: () => Promise<CommandAnswer>): Promise<CommandAnswer> {
    for (;;) {
      try {
        const answer = await say();
        if (answer.kind === 'ok' || answer.rejection.code !== 'CONFLICT_RETRIES_EXHAUSTED' || this.#isKilled) return answer;
      } catch (error) {
        if (!isFault(error) || !error.retryable || this.#isKilled) throw error;
        this.#d.supervision?.loops.failing(NAME, error);
      }
      await new Promise<void>((resolve) => this.#d.clock.after(RETRY_DELAY_MS, resolve));
    }
  }

  get #isKilled(): boolean {
    return this.#host.isStopping && this.#signal.aborted;
  }

  async #executeSayingSo(startedAt: string, leaseId: string | null): Promise<TaskResult> {
    if (leaseId !== null) return this.#execute();
    const disarm = this.#d.clock.after(STARTED_AFTER_MS, () => void this.#sayStarted(startedAt, null).catch(() => undefined));
    try {
      return await this.#execute();
    } finally {
      disarm();
    }
  }

  async #execute(): Promise<TaskResult> {
    const { uses, packageDigest, arguments: input, executionId, taskId, attempt, idempotencyKey, conductorUrl, timeoutMs } = this.#order;
    if (this.#leased.delivery >= DELIVERIES_MAX) return failed('LOST_RUNNER', 'the attempt was handed out three times and never reported', true);
    const found = this.#d.packages.resolve(uses);
    if (found.kind === 'unknown') return failed('PACKAGE_UNKNOWN', `this runner does not have ${uses}`, false);
    if (found.digest !== packageDigest) return failed('PACKAGE_CHANGED', `${uses} is not the package that the run is pinned to`, false);
    const context = { executionId, taskId, attempt, idempotencyKey, conductorUrl, timeoutMs };
    return this.#d.packages.run(uses, input, context, this.#signal);
  }

  #sayStarted(startedAt: string, leaseId: string | null): Promise<CommandAnswer> {
    const { executionId, taskId, attempt } = this.#order;
    const payload = { executionId, taskId, attempt, runner: this.#d.runner, leaseId, startedAt };
    // by lease, not by delivery: a queue that was lost counts from one again
    return this.#send(`start-task/${this.#leased.leaseId}`, { type: 'execution.start-task.v1', payload });
  }

  #send(verb: string, command: AnyCommand): Promise<CommandAnswer> {
    const { intentId, executionId, token, traceparent: correlationId = executionId } = this.#leased.work;
    const traced = this.#traceparent === undefined ? {} : { traceparent: this.#traceparent };
    const commandId = internalCommandId(intentId, verb);
    return this.#d.gateway.send({ command, commandId, tenant: this.#d.tenant, actor: 'role:runner', correlationId, causationId: intentId, ...traced, ...(token === undefined ? {} : { workToken: token }) });
  }
}

function failed(code: string, message: string, retryable: boolean): TaskResult {
  return { kind: 'failed', failure: { code, message, retryable }, log: '' };
}

function outcomeOf(result: TaskResult): Outcome {
  switch (result.kind) {
    case 'succeeded':
      return { kind: 'succeeded', output: asObject(result.output) };
    case 'failed':
      return { kind: 'failed', code: result.failure.code, message: result.failure.message, retryable: result.failure.retryable };
    default:
      return { kind: result.kind };
  }
}

/** Outputs are objects; a bare value becomes one, so that expressions always have a name to ask for. */
function asObject(output: unknown): { [key: string]: unknown } {
  if (output instanceof UnparsedJson) return (output.bytes[0] === OPENING_BRACE ? output : named(output)) as unknown as { [key: string]: unknown };
  return output !== null && typeof output === 'object' && !Array.isArray(output) ? (output as { [key: string]: unknown }) : { value: output };
}

function named({ bytes }: UnparsedJson): UnparsedJson {
  return new UnparsedJson(Buffer.concat([Buffer.from('{"value":'), bytes, Buffer.from('}')]));
}
