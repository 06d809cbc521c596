import type { AnyCommand, CommandOf } from '@maestro/contracts';
import type { Clock, CommandAnswer, CommandGateway, Consumption, Leased, Metrics, Settlement, TaskPackages, TaskResult, WorkQueue } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import { internalCommandId } from '../commands/command-ids.ts';
import type { TaskOrder } from '../dispatch/work-orders.ts';

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
};

type Outcome = CommandOf<'execution.report-task.v1'>['payload']['outcome'];

/** A task that takes longer says that it started; shorter ones cost one commit. */
const STARTED_AFTER_MS = 250;
const RETRY_DELAY_MS = 500;
const DELIVERIES_MAX = 3;
/** Room for the longest task (24 h) and its report; a lost runner in this process is a lost process. */
const ACK_WAIT_MS = 25 * 3_600_000;

/**
 * Takes task work, runs the package, reports by command.
 * R1. Work is acknowledged only after its report was answered: stored, or refused for good.
 * R2. The third delivery is not run again: it is reported as LOST_RUNNER, which may be retried as another attempt.
 * R3. A fenced task runs only under a lease that the run has accepted.
 */
export function consumeTaskWork(d: TaskWorkerDependencies): Consumption {
  return d.queue.consume('task', (leased, signal) => new Attempt(d, leased, signal).run(), {
    classes: d.classes,
    concurrencyMax: d.concurrencyMax,
    ackWaitMs: ACK_WAIT_MS,
  });
}

class Attempt {
  readonly #d: TaskWorkerDependencies;
  readonly #leased: Leased;
  readonly #order: TaskOrder;
  readonly #signal: AbortSignal;

  constructor(d: TaskWorkerDependencies, leased: Leased, signal: AbortSignal) {
    this.#d = d;
    this.#leased = leased;
    this.#order = leased.work.payload as unknown as TaskOrder;
    this.#signal = signal;
  }

  async run(): Promise<Settlement> {
    try {
      return await this.#runAndReport();
    } catch (error) {
      if (!isFault(error)) throw error;
      return { kind: 'retry', delayMs: RETRY_DELAY_MS };
    }
  }

  async #runAndReport(): Promise<Settlement> {
    const { clock } = this.#d;
    const startedAt = new Date(clock.nowMs()).toISOString();
    const startUs = clock.monotonicUs();
    const leaseId = this.#order.fenced ? this.#leased.leaseId : null;
    if (leaseId !== null && (await this.#sayStarted(startedAt, leaseId)).kind === 'refused') return { kind: 'ack' };
    const disarm = leaseId === null ? clock.after(STARTED_AFTER_MS, () => void this.#sayStarted(startedAt, null).catch(() => undefined)) : () => undefined;
    const result = await this.#execute();
    disarm();
    const durationMs = Math.max(0, Math.ceil((clock.monotonicUs() - startUs) / 1_000));
    this.#d.metrics.observe('mc_task_duration_ms', durationMs, { uses: this.#order.uses, outcome: result.kind });
    const { executionId, taskId, attempt, argumentsCommitment } = this.#order;
    const payload = { executionId, taskId, attempt, runner: this.#d.runner, leaseId, startedAt, durationMs, argumentsCommitment, log: result.log, outcome: outcomeOf(result) };
    await this.#send('report-task', { type: 'execution.report-task.v1', payload });
    return { kind: 'ack' };
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
    const { intentId, executionId: correlationId } = this.#leased.work;
    return this.#d.gateway.send({ command, commandId: internalCommandId(intentId, verb), tenant: this.#d.tenant, actor: 'role:runner', correlationId, causationId: intentId });
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
  return output !== null && typeof output === 'object' && !Array.isArray(output) ? (output as { [key: string]: unknown }) : { value: output };
}
