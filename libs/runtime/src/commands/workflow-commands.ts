import type { AnyEvent, CommandOf, ManifestV1 } from '@maestro/contracts';
import { decideWorkflow, reject, streamName } from '@maestro/domain';
import type { Json, JsonObject, Rejection, StreamName, WorkflowCommand, WorkflowState } from '@maestro/domain';
import type { CommandAnswer, CommandEnvelope, EventStore, PolicyEngine, TaskPackages } from '@maestro/ports';
import { canonicalText, sha256 } from '@maestro/receipt';
import { checkManifestDocument } from '../manifest-intake.ts';
import type { SealedValues } from '../sealed-values.ts';
import type { AggregateHandler, Deliberation, Outcome } from './aggregate.ts';
import { answerOf, reusedId } from './answers.ts';
import type { PolicyAnswers } from './policy-answers.ts';

type Of<T extends 'save-draft' | 'publish' | 'record-policy-decision' | 'fire-timer' | 'promote' | 'rollback'> = CommandOf<`workflow.${T}.v1`>['payload'];

export type WorkflowDependencies = {
  readonly handler: AggregateHandler<WorkflowState>;
  readonly store: EventStore;
  readonly packages: TaskPackages;
  readonly policies: PolicyEngine;
  readonly values: SealedValues;
  readonly answers: PolicyAnswers;
  /** policy denies where no region is stated; recorded with each request for a decision */
  readonly requireRegion: boolean;
};

/** Commands of workflows: drafts and publication. */
export class WorkflowCommands {
  readonly #d: WorkflowDependencies;

  constructor(dependencies: WorkflowDependencies) {
    this.#d = dependencies;
  }

  async saveDraft(envelope: CommandEnvelope, { manifest: document }: Of<'save-draft'>): Promise<CommandAnswer> {
    const problems = checkManifestDocument(document, this.#d.packages);
    if (problems.length > 0) return reject('MANIFEST_INVALID', `the manifest has ${problems.length} problems`, { errors: problems });
    const manifest = document as unknown as ManifestV1;
    const stream = streamName('workflow', manifest.name);
    if (stream === undefined) return unknownWorkflow(manifest.name);
    const manifestDigest = sha256(canonicalText(document as Json));
    const outcome = await this.#d.handler.handle(stream, envelope, async (state, now) => {
      const dataKeyId = state.dataKeyId ?? (await this.#d.values.createKey(`workflow:${manifest.name}`));
      return decided(state, { kind: 'save-draft', now, manifest: document as JsonObject, name: manifest.name, version: manifest.version, manifestDigest, dataKeyId });
    });
    if (outcome.kind === 'done' && outcome.repeated !== undefined) {
      const { event } = outcome.repeated;
      if (event.type !== 'workflow.draft-saved.v1' || event.data.manifestDigest !== manifestDigest) return reusedId(envelope);
    }
    return this.#answer(outcome, { id: manifest.name, version: manifest.version, digest: `sha256:${manifestDigest}` });
  }

  async publish(envelope: CommandEnvelope, { workflowId, version }: Of<'publish'>): Promise<CommandAnswer> {
    const stream = streamName('workflow', workflowId);
    if (stream === undefined) return unknownWorkflow(workflowId);
    const { policies, requireRegion } = this.#d;
    const policySetDigest = policies.active().setDigest;
    const outcome = await this.#d.handler.handle(stream, envelope, async (state, now) => decided(state, { kind: 'publish', now, version, policySetDigest, requireRegion }));
    if (outcome.kind === 'refused') return outcome;
    const asked = outcome.repeated?.event;
    const isReuse = asked !== undefined && (asked.type !== 'workflow.publish-requested.v1' || (version !== null && version !== asked.data.version));
    if (isReuse) return reusedId(envelope);
    return this.#answer(outcome, publication(outcome.state, outcome.repeated?.event));
  }

  async recordPolicyDecision(envelope: CommandEnvelope, { workflowId, checkId, report }: Of<'record-policy-decision'>): Promise<CommandAnswer> {
    const stream = streamName('workflow', workflowId);
    if (stream === undefined) return unknownWorkflow(workflowId);
    const outcome = await this.#d.handler.handle(stream, envelope, async (state, now): Promise<Deliberation> => {
      const { pending, dataKeyId } = state;
      if (pending?.checkId !== checkId || dataKeyId === undefined) return { decision: reject('CHECK_NOT_OPEN', `no decision is awaited for check ${checkId}`) };
      const { decision, secrets } = await this.#d.answers.decisionOf({ report, checkId, stage: 'publish', taskId: null, attempt: null, setDigest: pending.policySetDigest, keyId: dataKeyId, at: now });
      return { ...decided(state, { kind: 'record-policy-decision', now, decision }), secrets, keyId: dataKeyId };
    });
    return this.#answer(outcome, {});
  }

  async fireTimer(envelope: CommandEnvelope, { workflowId, checkId }: Of<'fire-timer'>): Promise<CommandAnswer> {
    const stream = streamName('workflow', workflowId);
    if (stream === undefined) return unknownWorkflow(workflowId);
    return this.#answer(await this.#d.handler.handle(stream, envelope, async (state, now) => decided(state, { kind: 'fire-policy-deadline', now, checkId })), {});
  }

  async promote(envelope: CommandEnvelope, { workflowId, comment }: Of<'promote'>): Promise<CommandAnswer> {
    const stream = streamName('workflow', workflowId);
    if (stream === undefined) return unknownWorkflow(workflowId);
    const outcome = await this.#d.handler.handle(stream, envelope, async (state, now) => decided(state, { kind: 'promote', now, comment }));
    const did = didOf(outcome);
    if (did === undefined) return this.#answer(outcome, {});
    if (did.type !== 'workflow.promoted.v1' || did.data.comment !== comment) return reusedId(envelope);
    return this.#answer(outcome, { id: did.data.workflowId, version: did.data.version });
  }

  async rollBack(envelope: CommandEnvelope, { workflowId, to, comment }: Of<'rollback'>): Promise<CommandAnswer> {
    const stream = streamName('workflow', workflowId);
    if (stream === undefined) return unknownWorkflow(workflowId);
    const outcome = await this.#d.handler.handle(stream, envelope, async (state, now) => decided(state, { kind: 'rollback', now, to, comment }));
    const did = didOf(outcome);
    if (did === undefined) return this.#answer(outcome, {});
    if (did.type !== 'workflow.rolled-back.v1' || did.data.comment !== comment || (to !== null && to !== did.data.to)) return reusedId(envelope);
    return this.#answer(outcome, { id: did.data.workflowId, version: did.data.version, to: did.data.to });
  }

  async #answer(outcome: Outcome<WorkflowState>, result: { readonly [key: string]: Json }): Promise<CommandAnswer> {
    const fallback = outcome.kind === 'done' && outcome.cursor === null ? await this.#d.store.head() : null;
    return answerOf(outcome, fallback, result);
  }

  /** State of a workflow as this role sees it; undefined: the name cannot be one. */
  async find(workflowId: string, atLeast: number | 'newest' = -1): Promise<{ readonly state: WorkflowState; readonly stream: StreamName } | undefined> {
    const stream = streamName('workflow', workflowId);
    return stream === undefined ? undefined : { state: (await this.#d.handler.peek(stream, atLeast)).state, stream };
  }
}

function decided(state: WorkflowState, command: WorkflowCommand): Deliberation {
  return { decision: decideWorkflow(state, command) };
}

/** What the command did, now or when it came before. */
function didOf(outcome: Outcome<WorkflowState>): AnyEvent | undefined {
  return outcome.kind === 'refused' ? undefined : (outcome.repeated ?? outcome.events[0])?.event;
}

function unknownWorkflow(id: string): { readonly kind: 'refused'; readonly rejection: Rejection } {
  return reject('WORKFLOW_NOT_FOUND', `there is no workflow ${id}`);
}

/** What became of a publication so far. */
function publication(state: WorkflowState, repeated: AnyEvent | undefined): { readonly [key: string]: Json } {
  const asked = repeated?.type === 'workflow.publish-requested.v1' ? repeated.data.version : (state.pending?.version ?? state.draft?.version ?? '');
  const published = state.versions.get(asked);
  const digest = published?.manifestDigest ?? state.pending?.manifestDigest ?? state.draft?.manifestDigest ?? '';
  return {
    id: state.name ?? '',
    version: asked,
    digest: `sha256:${digest}`,
    checkId: published === undefined ? (state.pending?.checkId ?? null) : null,
    channel: published === undefined ? null : published.status,
  };
}
