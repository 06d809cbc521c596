import type { AnyCommand, CommandOf } from '@maestro/contracts';
import type { Clock, CommandGateway, Consumption, Leased, Metrics, PolicyEngine, PolicyResult, Settlement, Tracer, WorkQueue } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import { internalCommandId } from '../commands/command-ids.ts';
import type { PolicyOrder } from '../dispatch/work-orders.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { inSpan } from '../tracing/in-span.ts';
import { DELIVERIES_MAX, settlementOf } from './settlement.ts';

export type PolicyWorkerDependencies = {
  readonly queue: WorkQueue;
  readonly gateway: CommandGateway;
  readonly policies: PolicyEngine;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly tenant: string;
  readonly supervision?: Supervision | undefined;
  readonly tracer?: Tracer | undefined;
};

type Report = CommandOf<'execution.record-policy-decision.v1'>['payload']['report'];

const CONCURRENCY_MAX = 64;
const RETRY_DELAY_MS = 500;
const NAME = 'policy';

/**
 * Takes policy work, evaluates, reports by command; the work is done once the report is stored. Sees no event store.
 * What the engine says may pass (its time was over, its thread died, its queue was full) is asked for again before it is a deny.
 */
export function consumePolicyWork({ queue, gateway, policies, clock, metrics, tenant, supervision, tracer }: PolicyWorkerDependencies): Consumption {
  /** Undefined: it is to be asked for again. */
  const evaluate = async (order: PolicyOrder, delivery: number): Promise<Report | undefined> => {
    const report = (result: PolicyResult | undefined, failure: string | null): Report => {
      metrics.count('mc_policy_decisions_total', 1, { stage: order.stage, outcome: result === undefined ? 'failed' : result.allow ? 'allow' : 'deny' });
      const packs = (result?.packs ?? []) as unknown as Report['packs'];
      const evaluatedAt = new Date(clock.nowMs()).toISOString();
      return { outcome: result === undefined ? 'failed' : 'evaluated', packs, durationUs: result?.durationUs ?? 0, evaluatedAt, inputCommitment: order.inputCommitment, failure };
    };
    // what policy cannot see, nobody allowed
    if (order.input === null) return report(undefined, 'the arguments are too large to be shown to policy');
    try {
      return report(await policies.evaluate(order.setDigest, order.stage, order.input), null);
    } catch (error) {
      if (!isFault(error)) throw error;
      return error.retryable && delivery < DELIVERIES_MAX ? undefined : report(undefined, error.message.slice(0, 1_024));
    }
  };
  const handle = ({ work, delivery }: Leased): Promise<Settlement> => {
    const { target, checkId, stage } = work.payload as unknown as PolicyOrder;
    const attributes = { 'maestro.target': `${target.kind}-${target.id}`, 'maestro.check.id': checkId, 'maestro.delivery': delivery };
    return inSpan(tracer, `check ${stage}`, { parent: work.traceparent, kind: 'consumer', attributes }, (traceparent) => decide(work, delivery, traceparent));
  };
  const decide = async (work: Leased['work'], delivery: number, traceparent: string | undefined): Promise<Settlement> => {
    const order = work.payload as unknown as PolicyOrder;
    const report = await evaluate(order, delivery);
    if (report === undefined) return { kind: 'retry', delayMs: RETRY_DELAY_MS };
    const command = decisionCommand(order, report);
    const commandId = internalCommandId(work.intentId, 'record-policy-decision');
    try {
      const answer = await gateway.send({ command, commandId, tenant, actor: 'role:policy', correlationId: work.traceparent ?? work.executionId, causationId: work.intentId, ...(traceparent === undefined ? {} : { traceparent }), ...(work.token === undefined ? {} : { workToken: work.token }) });
      supervision?.loops.works(NAME);
      return settlementOf(answer, delivery);
    } catch (error) {
      supervision?.loops.failing(NAME, error);
      if (!isFault(error)) throw error;
      return { kind: 'retry', delayMs: RETRY_DELAY_MS };
    }
  };
  const consumption = queue.consume('policy', handle, { concurrencyMax: CONCURRENCY_MAX });
  supervision?.loops.works(NAME);
  return {
    async stop(graceMs) {
      await consumption.stop(graceMs);
      supervision?.loops.stopped(NAME);
    },
  };
}

function decisionCommand({ target, checkId }: PolicyOrder, report: Report): AnyCommand {
  return target.kind === 'workflow'
    ? { type: 'workflow.record-policy-decision.v1', payload: { workflowId: target.id, checkId, report } }
    : { type: 'execution.record-policy-decision.v1', payload: { executionId: target.id, checkId, report } };
}
