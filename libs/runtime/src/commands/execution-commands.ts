import type { AnyEvent, CommandOf, CommandType, Environment, Prices } from '@maestro/contracts';
import { PLAN_DEFAULTS, chooseVersion, decideExecution, executionStream, mergeInputs, parseExecutionId, regionOf, reject } from '@maestro/domain';
import type { AttemptReport, Choice, ExecutionCommand, ExecutionId, ExecutionRequested, ExecutionState, Json, JsonObject, PublishedVersion, Rejection, StreamName } from '@maestro/domain';
import { VALUE_LIMITS } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, EventStore, PolicyEngine } from '@maestro/ports';
import type { OpenedPlace } from '@maestro/receipt';
import { canonicalBytes, canonicalText, findUnrepresentable } from '@maestro/receipt';
import type { ManifestSource } from '../manifest-source.ts';
import type { SealedValues } from '../sealed-values.ts';
import type { AggregateHandler, Deliberation, Outcome } from './aggregate.ts';
import { answerOf, reusedId } from './answers.ts';
import type { AttemptReports } from './attempt-reports.ts';
import { uuidFrom } from './command-ids.ts';
import type { PolicyAnswers } from './policy-answers.ts';
import type { ResumeOutputs } from './resume-outputs.ts';
import type { ResumeRun } from './resume-run.ts';
import type { WorkflowCommands } from './workflow-commands.ts';

type Of<T extends string> = CommandOf<Extract<`execution.${T}.v1`, CommandType>>['payload'];

/** What a deployment gives to every run. */
export type RunSettings = {
  readonly prices: Prices;
  readonly region: string | null;
  readonly requireRegion: boolean;
  readonly conductorUrl: () => string | null;
  readonly environment: Environment;
  readonly inputBytesMax: number;
};

export type ExecutionDependencies = {
  readonly handler: AggregateHandler<ExecutionState>;
  readonly store: EventStore;
  readonly workflows: WorkflowCommands;
  readonly manifests: ManifestSource;
  readonly policies: PolicyEngine;
  readonly values: SealedValues;
  readonly answers: PolicyAnswers;
  readonly reports: AttemptReports;
  readonly resumes: ResumeRun;
  readonly outputs: ResumeOutputs;
  readonly settings: RunSettings;
};

/** Commands of runs: from the request to the last report. */
export class ExecutionCommands {
  readonly #d: ExecutionDependencies;

  constructor(dependencies: ExecutionDependencies) {
    this.#d = dependencies;
  }

  async start(envelope: CommandEnvelope, payload: Of<'start'>): Promise<CommandAnswer> {
    const inputs = payload.inputs as JsonObject;
    const bad = findUnrepresentable(inputs);
    if (bad !== undefined) return reject('INVALID_JSON_VALUE', `inputs${bad.pointer}: ${bad.reason}`, { errors: [{ pointer: `/inputs${bad.pointer}`, code: 'INVALID_JSON_VALUE', message: bad.reason }] });
    const executionId = payload.executionId ?? uuidFrom(envelope.commandId);
    const stream = executionStream(executionId as ExecutionId);
    const body = canonicalText({ ...payload, executionId: null } as unknown as Json);
    const outcome = await this.#d.handler.handle(stream, envelope, (state, now) => this.#deliberateStart(state, now, executionId, payload, inputs, body));
    if (outcome.kind === 'done' && outcome.repeated !== undefined) {
      const { event } = outcome.repeated;
      if (event.type !== 'execution.requested.v1') return reusedId(envelope);
      if ((await this.#d.values.tag(event.data.dataKeyId, body)) !== event.data.requestTag) return reusedId(envelope);
    }
    return this.#answer(outcome, { executionId });
  }

  resume(envelope: CommandEnvelope, payload: Of<'resume'>): Promise<CommandAnswer> {
    return this.#d.resumes.resume(envelope, payload);
  }

  async #deliberateStart(state: ExecutionState, now: string, executionId: string, payload: Of<'start'>, given: JsonObject, body: string): Promise<Deliberation> {
    const { values, policies, settings, manifests } = this.#d;
    const choice = await this.#chooseVersion(executionId, payload);
    if (choice.kind === 'refused') return { decision: choice };
    const { version, manifestDigest, draftRevision }: PublishedVersion = choice.version;
    const { plan } = await manifests.at(choice.stream, draftRevision, manifestDigest);
    const inputs = mergeInputs(plan.inputs, given);
    // what is sealed: given inputs, and the workflow's defaults for the others
    const bytes = canonicalBytes(inputs);
    const bytesMax = settings.inputBytesMax;
    if (bytes.length > bytesMax) return { decision: reject('INPUT_TOO_LARGE', `the inputs are ${bytes.length} bytes, defaults of the workflow counted; at most ${bytesMax}`) };
    const keyId = await values.createKey(`execution:${executionId}`);
    const secrets = new Map<string, OpenedPlace>();
    const request: ExecutionRequested = {
      executionId,
      workflow: { id: plan.workflow.id, version, manifestDigest, channel: choice.channel },
      rollout: payload.rollout,
      labels: plan.labels,
      ...regionOf(payload.region, settings.region, plan.workflow.region),
      requireRegion: settings.requireRegion,
      conductorUrl: settings.conductorUrl(),
      inputs: await values.seal(secrets, keyId, '/inputs', bytes.length > VALUE_LIMITS.inlineBytesMax ? bytes : inputs),
      requestTag: await values.tag(keyId, body),
      dataKeyId: keyId,
      policySetDigest: policies.active().setDigest,
      prices: settings.prices,
      runTimeoutMs: PLAN_DEFAULTS.runTimeoutMs,
      resumedFrom: null,
      tasks: [...plan.tasks] as ExecutionRequested['tasks'],
    };
    return { ...decided(state, { kind: 'start', now, request }), secrets, keyId };
  }

  /** A workflow's stream may have another owner: what is remembered of it chooses, but only what is stored refuses. */
  async #chooseVersion(executionId: string, { workflowId, version, rollout }: Of<'start'>): Promise<(Extract<Choice, { kind: 'chosen' }> & { readonly stream: StreamName }) | Refused> {
    const choose = async (atLeast: -1 | 'newest') => {
      const workflow = await this.#d.workflows.find(workflowId, atLeast);
      if (workflow === undefined) return reject('WORKFLOW_NOT_FOUND', `there is no workflow ${workflowId}`);
      const choice = chooseVersion(workflow.state, { version, rollout, executionId });
      return choice.kind === 'chosen' ? { ...choice, stream: workflow.stream } : choice;
    };
    const choice = await choose(-1);
    return choice.kind === 'chosen' ? choice : choose('newest');
  }

  async recordPolicyDecision(envelope: CommandEnvelope, { executionId, checkId, report }: Of<'record-policy-decision'>): Promise<CommandAnswer> {
    return this.#on(executionId, envelope, async (state, now) => {
      const { request } = state;
      const taskId = state.checks.get(checkId);
      if (request === undefined || taskId === undefined) return { decision: reject('CHECK_NOT_OPEN', `no decision is awaited for check ${checkId}`) };
      const attempt = taskId === null ? null : (state.tasks.get(taskId)?.attempt ?? null);
      const keyId = request.dataKeyId;
      const { decision, secrets } = await this.#d.answers.decisionOf({ report, checkId, stage: taskId === null ? 'start' : 'task', taskId, attempt, setDigest: request.policySetDigest, keyId, at: now });
      const argumentsCommitment = taskId === null || !decision.allow ? null : await this.#d.reports.checkedArguments(executionStream(request.executionId as ExecutionId), checkId, state.revision);
      const takenOver = taskId === null && decision.allow ? await this.#d.outputs.next(state) : undefined;
      const { environment } = this.#d.settings;
      const recorded = decided(state, { kind: 'record-policy-decision', now, decision, environment, argumentsCommitment, reuse: takenOver?.reuse });
      return { ...recorded, secrets: new Map([...secrets, ...(takenOver?.secrets ?? [])]), keyId };
    });
  }

  async startTask(envelope: CommandEnvelope, { executionId, ...started }: Of<'start-task'>): Promise<CommandAnswer> {
    return this.#on(executionId, envelope, async (state, now) => decided(state, { kind: 'start-task', now, ...started }));
  }

  /** What does not count is refused before its values are sealed; what does is sealed once, however often it is decided on. */
  async reportTask(envelope: CommandEnvelope, payload: Of<'report-task'>): Promise<CommandAnswer> {
    let sealing: ReturnType<AttemptReports['seal']> | undefined;
    return this.#on(payload.executionId, envelope, async (state, now) => {
      if (state.request === undefined) return { decision: reject('EXECUTION_NOT_FOUND', `there is no run ${payload.executionId}`) };
      const keyId = state.request.dataKeyId;
      const decide = (report: AttemptReport): Deliberation => decided(state, { kind: 'report-task', now, report, jitter: jitterOf(envelope.commandId) });
      const tried = decide(this.#d.reports.unsealed(payload));
      if (tried.decision.kind === 'refused') return tried;
      const { report, secrets } = await (sealing ??= this.#d.reports.seal(state, keyId, payload));
      return { ...decide(report), secrets, keyId };
    });
  }

  async failBinding(envelope: CommandEnvelope, { executionId, taskId, attempt, code, message }: Of<'fail-binding'>): Promise<CommandAnswer> {
    return this.#on(executionId, envelope, async (state, now) => {
      if (state.request === undefined) return { decision: reject('EXECUTION_NOT_FOUND', `there is no run ${executionId}`) };
      const { report, secrets } = await this.#d.reports.sealUnbound(state.request.dataKeyId, taskId, attempt, code, message);
      return { ...decided(state, { kind: 'report-task', now, report, jitter: 0 }), secrets, keyId: state.request.dataKeyId };
    });
  }

  async fireTimer(envelope: CommandEnvelope, { executionId, timer }: Of<'fire-timer'>): Promise<CommandAnswer> {
    const { environment } = this.#d.settings;
    // whoever fires saw the time pass: the end of the grace may have been set by a clock that is ahead of the one here
    const seen = (state: ExecutionState, now: string): string => (timer.kind === 'cancel-grace' && state.graceUntil !== undefined && state.graceUntil > now ? state.graceUntil : now);
    return this.#on(executionId, envelope, async (state, now) => decided(state, { kind: 'fire-timer', now: seen(state, now), timer, environment }));
  }

  async continueScheduling(envelope: CommandEnvelope, { executionId }: Of<'continue-scheduling'>): Promise<CommandAnswer> {
    return this.#on(executionId, envelope, async (state, now) => {
      const takenOver = await this.#d.outputs.next(state);
      const recorded = decided(state, { kind: 'continue-scheduling', now, reuse: takenOver?.reuse });
      return takenOver === undefined ? recorded : { ...recorded, secrets: takenOver.secrets, keyId: state.request?.dataKeyId };
    });
  }

  async cancel(envelope: CommandEnvelope, { executionId, reason, comment }: Of<'cancel'>): Promise<CommandAnswer> {
    const isSame = ({ type, data }: AnyEvent): boolean => type === 'execution.cancel-requested.v1' && data.reason === reason && data.comment === comment;
    return this.#on(executionId, envelope, async (state, now) => decided(state, { kind: 'cancel', now, reason, comment }), isSame);
  }

  /** `isSame`: whether what a client's command did before is what it asks for now. Ids from inside name their verb. */
  async #on(id: string, envelope: CommandEnvelope, deliberate: (state: ExecutionState, now: string) => Promise<Deliberation>, isSame?: (did: AnyEvent) => boolean): Promise<CommandAnswer> {
    const executionId = parseExecutionId(id);
    if (executionId === undefined) return reject('EXECUTION_NOT_FOUND', `there is no run ${id}`);
    const outcome = await this.#d.handler.handle(executionStream(executionId), envelope, deliberate);
    if (outcome.kind === 'done' && outcome.repeated !== undefined && isSame?.(outcome.repeated.event) === false) return reusedId(envelope);
    return this.#answer(outcome, { executionId });
  }

  async #answer(outcome: Outcome<ExecutionState>, result: { readonly [key: string]: Json }): Promise<CommandAnswer> {
    const fallback = outcome.kind === 'done' && outcome.cursor === null ? await this.#d.store.head() : null;
    return answerOf(outcome, fallback, result);
  }
}

function decided(state: ExecutionState, command: ExecutionCommand): Deliberation {
  return { decision: decideExecution(state, command) };
}

type Refused = { readonly kind: 'refused'; readonly rejection: Rejection };

/** 0 ≤ x < 1 from the command id, which derives from the id of the event that opened the attempt. */
function jitterOf(commandId: string): number {
  return Number.parseInt(commandId.slice(0, 8), 16) / 0x1_0000_0000;
}
