import type { CommandOf, SealedValue } from '@maestro/contracts';
import { decideExecution, executionStream, parseExecutionId, refuseResume, reject, resumedRequest } from '@maestro/domain';
import type { ExecutionId, ExecutionRequested, ExecutionState, Json, Problem, Rejection } from '@maestro/domain';
import { Fault, isFault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, DataKeyId, EventStore, PolicyEngine, TaskPackages } from '@maestro/ports';
import { canonicalText } from '@maestro/receipt';
import type { OpenedPlace } from '@maestro/receipt';
import { readEventAt } from '../recorded-events.ts';
import type { SealedValues } from '../sealed-values.ts';
import type { AggregateHandler, Deliberation } from './aggregate.ts';
import { answerOf, reusedId } from './answers.ts';
import { uuidFrom } from './command-ids.ts';
import type { WorkflowCommands } from './workflow-commands.ts';

type Payload = CommandOf<'execution.resume.v1'>['payload'];
type Refused = { readonly kind: 'refused'; readonly rejection: Rejection };

export type ResumeDependencies = {
  readonly handler: AggregateHandler<ExecutionState>;
  readonly store: EventStore;
  readonly workflows: WorkflowCommands;
  readonly values: SealedValues;
  readonly packages: TaskPackages;
  readonly policies: PolicyEngine;
  readonly conductorUrl: () => string | null;
};

/**
 * Goes on from a run that failed, timed out or was cancelled: a new run, pinned as the first one. The ended run is only
 * read. Idempotent by command id; two commands make two runs, whose tasks share their idempotency keys.
 */
export class ResumeRun {
  readonly #d: ResumeDependencies;

  constructor(dependencies: ResumeDependencies) {
    this.#d = dependencies;
  }

  async resume(envelope: CommandEnvelope, payload: Payload): Promise<CommandAnswer> {
    const from = parseExecutionId(payload.executionId);
    if (from === undefined) return reject('EXECUTION_NOT_FOUND', `there is no run ${payload.executionId}`);
    const executionId = uuidFrom(envelope.commandId) as ExecutionId;
    const outcome = await this.#d.handler.handle(executionStream(executionId), envelope, (state, now) => this.#deliberate(state, now, executionId, from));
    if (outcome.kind === 'done' && outcome.repeated !== undefined) {
      const { event } = outcome.repeated;
      if (event.type !== 'execution.requested.v1' || event.data.resumedFrom?.executionId !== from) return reusedId(envelope);
    }
    const fallback = outcome.kind === 'done' && outcome.cursor === null ? await this.#d.store.head() : null;
    return answerOf(outcome, fallback, { executionId, resumedFrom: from });
  }

  async #deliberate(state: ExecutionState, now: string, executionId: ExecutionId, from: ExecutionId): Promise<Deliberation> {
    const { state: ended, head } = await this.#d.handler.peek(executionStream(from), 'newest');
    const refused = refuseResume(ended, from);
    if (refused !== undefined || ended.request === undefined) return { decision: refused ?? reject('EXECUTION_NOT_FOUND', `there is no run ${from}`) };
    const unavailable = await this.#refusePinned(ended.request);
    if (unavailable !== undefined) return { decision: unavailable };
    const { values, conductorUrl } = this.#d;
    const keyId = await values.createKey(`execution:${executionId}`);
    const secrets = new Map<string, OpenedPlace>();
    const inputs = await this.#sealInputs(secrets, keyId, ended.request, from);
    if (inputs === undefined) return { decision: reject('VALUES_ERASED', `the values of run ${from} were erased: start a new run with its inputs`) };
    const request = resumedRequest(ended, {
      executionId,
      inputs,
      requestTag: await values.tag(keyId, canonicalText({ resume: from } as Json)),
      dataKeyId: keyId,
      conductorUrl: conductorUrl(),
      head,
    });
    return { decision: decideExecution(state, { kind: 'start', now, request }), secrets, keyId };
  }

  /** What the first run was pinned to must be here as it was; a newer package or policy would be another run. */
  async #refusePinned({ workflow, tasks, policySetDigest }: ExecutionRequested): Promise<Refused | undefined> {
    const found = await this.#d.workflows.find(workflow.id, 'newest');
    const version = found?.state.versions.get(workflow.version);
    if (version === undefined) return reject('VERSION_NOT_FOUND', `version ${workflow.version} of ${workflow.id} is not published`);
    if (found?.state.retired === true || version.status === 'retired') return reject('WORKFLOW_RETIRED', `version ${workflow.version} of ${workflow.id} is retired`);
    const errors: Problem[] = tasks.flatMap(({ uses, packageDigest }, i) => {
      const known = this.#d.packages.resolve(uses);
      const pointer = `/tasks/${i}/uses`;
      if (known.kind === 'unknown') return [{ pointer, code: 'PACKAGE_UNKNOWN', message: `this conductor does not have ${uses}` }];
      return known.digest === packageDigest ? [] : [{ pointer, code: 'PACKAGE_CHANGED', message: `${uses} has digest ${known.digest} here; the run is pinned to ${packageDigest}` }];
    });
    if (!this.#d.policies.sets().some(({ setDigest }) => setDigest === policySetDigest)) {
      errors.push({ pointer: '/policySetDigest', code: 'POLICY_SET_UNKNOWN', message: `this conductor does not have policy set ${policySetDigest}` });
    }
    if (errors.length === 0) return undefined;
    return reject('PINNED_UNAVAILABLE', `${errors.length} things that the run is pinned to are not here any more: install them again, or start a new run`, { errors });
  }

  /** Undefined: erased. A key that is gone opens nothing, whatever is still remembered of its values. */
  async #sealInputs(secrets: Map<string, OpenedPlace>, keyId: DataKeyId, { inputs, dataKeyId }: ExecutionRequested, from: ExecutionId): Promise<SealedValue | undefined> {
    const first = await readEventAt(this.#d.store, executionStream(from), 0);
    if (first === undefined) throw new Fault('STORE_DAMAGED', `run ${from} has no first event`);
    try {
      await this.#d.values.tag(dataKeyId, 'resume');
      return await this.#d.values.sealAgain(secrets, keyId, first, '/inputs', inputs);
    } catch (error) {
      if (isFault(error, 'KEY_DESTROYED')) return undefined;
      throw error;
    }
  }
}
