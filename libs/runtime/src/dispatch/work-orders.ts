import { findReferences, startInput, publishInput, resolve, taskCheckInput } from '@maestro/domain';
import type { ExecutionState, Intent, Json, JsonObject, Plan, PolicyRequest, PublishedVersion, Recorded, Scope, StreamName } from '@maestro/domain';
import { VALUE_LIMITS } from '@maestro/ports';
import { canonicalText, commit } from '@maestro/receipt';
import { LRUCache } from 'lru-cache';
import type { EventStore } from '@maestro/ports';
import type { ManifestSource } from '../manifest-source.ts';
import { loadStream, recordedOf } from '../recorded-events.ts';
import type { SealedValues } from '../sealed-values.ts';
import type { Path } from '../value-parts.ts';
import type { WorkflowCommands } from '../commands/workflow-commands.ts';

/** A policy check as the policy role gets it. */
export type PolicyOrder = {
  readonly target: { readonly kind: 'workflow' | 'execution'; readonly id: string };
  readonly checkId: string;
  readonly stage: 'publish' | 'start' | 'task';
  readonly setDigest: string;
  /** null: too large to be shown, so denied */
  readonly input: Json;
  readonly inputCommitment: string;
};

/** An attempt as a runner gets it. */
export type TaskOrder = {
  readonly executionId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly workClass: string;
  readonly uses: string;
  readonly packageDigest: string;
  readonly fenced: boolean;
  readonly timeoutMs: number;
  readonly idempotencyKey: string;
  readonly conductorUrl: string | null;
  readonly arguments: Json;
  readonly argumentsCommitment: string;
};

/** The arguments cannot be made: it is the run's fault, and ends the attempt. */
export type Unbound = { readonly kind: 'unbound'; readonly taskId: string; readonly attempt: number; readonly code: string; readonly message: string; readonly checkId: string | null };

type IntentOf<K extends Intent['kind']> = Extract<Intent, { kind: K }>;
/** State of a run, at least as of a revision that was seen. */
type FindState = (stream: StreamName, atLeast: number) => Promise<ExecutionState>;

const CHECKED_MAX = 10_000;
/** Runs whose manifest and opened inputs are kept at hand. */
const RUNS_MAX = 1_000;
/** Their inputs together, as canonical JSON; parsed they may take ten times as much. */
const RUNS_BYTES_MAX = 16 * 1024 * 1024;
/** What is counted for inputs inside their event: most are far smaller than the 64 KiB that they may have. */
const INLINE_BYTES = 4 * 1024;

/**
 * Makes work out of intents: reads the pinned manifest, opens the values that it needs, resolves expressions.
 * W1. The same intent makes the same order, however often and wherever: salts derive from the intent's event.
 * W2. What policy checked is what runs: a checked attempt is handed out only with the arguments of its check.
 */
export class WorkOrders {
  readonly #store: EventStore;
  readonly #workflows: WorkflowCommands;
  readonly #manifests: ManifestSource;
  readonly #values: SealedValues;
  readonly #findState: FindState;
  /** stream/check id → the event that asked, so that its salt is found again without reading */
  readonly #pinned = new LRUCache<string, Pinned>({ max: RUNS_MAX, maxSize: RUNS_BYTES_MAX });
  readonly #checkEvents = new LRUCache<string, string>({ max: CHECKED_MAX });

  constructor(store: EventStore, workflows: WorkflowCommands, manifests: ManifestSource, values: SealedValues, findState: FindState) {
    this.#store = store;
    this.#workflows = workflows;
    this.#manifests = manifests;
    this.#values = values;
    this.#findState = findState;
  }

  async policyOrder(intent: IntentOf<'policy-check'>): Promise<PolicyOrder | Unbound | undefined> {
    return intent.stream.startsWith('workflow-') ? this.#publishOrder(intent) : this.#runOrder(intent);
  }

  async #publishOrder({ stream, checkId, eventId, revision }: IntentOf<'policy-check'>): Promise<PolicyOrder | undefined> {
    const workflow = await this.#workflows.find(stream.slice('workflow-'.length), revision);
    const { pending, dataKeyId, name } = workflow?.state ?? {};
    if (pending?.checkId !== checkId || dataKeyId === undefined || name === undefined) return undefined;
    const { plan } = await this.#manifests.at(stream as StreamName, pending.draftRevision, pending.manifestDigest);
    const asked = await this.#eventAt(stream, revision);
    const { region } = plan.workflow;
    const request = { at: asked.at, actor: asked.actor, region, regionSource: region === null ? 'none' : 'workflow', requireRegion: pending.requireRegion } as const;
    const input = publishInput(plan, request);
    const inputCommitment = commit(await this.#values.derivedSalt(dataKeyId, `policy-input/${eventId}`), '/input', input);
    return { target: { kind: 'workflow', id: name }, checkId, stage: 'publish', setDigest: pending.policySetDigest, input, inputCommitment };
  }

  async #runOrder({ stream, checkId, eventId, revision, at }: IntentOf<'policy-check'>): Promise<PolicyOrder | Unbound | undefined> {
    const run = await this.#runOf(stream, revision);
    const taskId = run?.state.checks.get(checkId);
    if (run === undefined || taskId === undefined) return undefined;
    const { state, plan, inputs, requested } = run;
    const { dataKeyId, policySetDigest, executionId, region, regionSource, requireRegion, conductorUrl } = requested;
    const request: PolicyRequest = { at, actor: run.actor, region, regionSource, requireRegion };
    this.#checkEvents.set(`${stream}/${checkId}`, eventId);
    let input: Json;
    if (taskId === null) input = startInput(plan, request, inputs, { id: executionId, attempt: 1, conductorUrl }, VALUE_LIMITS.checkedBytesMax) ?? null;
    else {
      const attempt = state.tasks.get(taskId)?.attempt ?? 1;
      const bound = await this.#bind(stream, run, taskId, attempt);
      if (bound.kind !== 'resolved') return { ...unbound(taskId, attempt, bound), checkId };
      input = taskCheckInput(plan, request, inputs, taskId, bound.value);
    }
    const inputCommitment = commit(await this.#values.derivedSalt(dataKeyId, `policy-input/${eventId}`), '/input', input);
    return { target: { kind: 'execution', id: executionId }, checkId, stage: taskId === null ? 'start' : 'task', setDigest: policySetDigest, input, inputCommitment };
  }

  /** Undefined: the run went on without it. */
  async taskOrder({ stream, taskId, attempt, eventId, revision }: IntentOf<'task'>): Promise<TaskOrder | Unbound | undefined> {
    const run = await this.#runOf(stream, revision);
    const task = run?.state.tasks.get(taskId);
    const planned = run?.state.shape?.byId.get(taskId);
    // a run that was cancelled, or is over its limit, starts nothing more, whatever was scheduled before
    if (run?.state.phase === 'cancelling' || run?.state.phase === 'timing-out') return undefined;
    // one that said it started is handed out again too: who started it may be gone
    if (run === undefined || planned === undefined || (task?.phase !== 'scheduled' && task?.phase !== 'started') || task.attempt !== attempt) return undefined;
    const bound = await this.#bind(stream, run, taskId, attempt);
    if (bound.kind !== 'resolved') return unbound(taskId, attempt, bound);
    const checked = task.argumentsCommitment;
    const saltOf = checked === null ? eventId : await this.#checkEventId(stream, `task/${taskId}/${attempt}`);
    const argumentsCommitment = await this.#commitArguments(run.requested.dataKeyId, saltOf, bound.value);
    if (checked !== null && checked !== argumentsCommitment) {
      return { kind: 'unbound', taskId, attempt, code: 'ARGUMENTS_CHANGED', message: 'the arguments differ from those that policy checked', checkId: null };
    }
    const { executionId, conductorUrl, resumedFrom } = run.requested;
    const { uses, packageDigest, fenced, timeoutMs } = planned;
    const idempotencyKey = `${resumedFrom?.rootExecutionId ?? executionId}:${taskId}`;
    return { executionId, taskId, attempt, workClass: this.#manifests.workClassOf(planned), uses, packageDigest, fenced, timeoutMs, idempotencyKey, conductorUrl, arguments: bound.value, argumentsCommitment };
  }

  /** Commitment of the arguments that a task check was asked about. */
  async checkedArguments(stream: StreamName, checkId: string, atLeast: number): Promise<string> {
    const run = await this.#runOf(stream, atLeast);
    const [, taskId = '', attempt = '1'] = checkId.split('/');
    if (run === undefined) throw new Error(`no run behind ${stream}`);
    const bound = await this.#bind(stream, run, taskId, Number(attempt));
    if (bound.kind !== 'resolved') throw new Error(`${checkId} was allowed without arguments`);
    return this.#commitArguments(run.requested.dataKeyId, await this.#checkEventId(stream, checkId), bound.value);
  }

  async #commitArguments(keyId: string, eventId: string, value: Json): Promise<string> {
    return commit(await this.#values.derivedSalt(keyId, `arguments/${eventId}`), '/arguments', value);
  }

  async #checkEventId(stream: string, checkId: string): Promise<string> {
    const known = this.#checkEvents.get(`${stream}/${checkId}`);
    if (known !== undefined) return known;
    const { stored } = await loadStream(this.#store, stream as StreamName);
    for (const { event, id } of stored.map(recordedOf)) {
      if (event.type === 'execution.task-policy-check-requested.v1') this.#checkEvents.set(`${stream}/${event.data.checkId}`, id);
    }
    const found = this.#checkEvents.get(`${stream}/${checkId}`);
    if (found === undefined) throw new Error(`${stream} has no check ${checkId}`);
    return found;
  }

  async #runOf(stream: string, atLeast: number): Promise<Run | undefined> {
    const state = await this.#findState(stream as StreamName, atLeast);
    const { request } = state;
    if (request === undefined || state.phase === 'ended') return undefined;
    const known = this.#pinned.get(stream);
    const pinned = known ?? (await this.#pin(stream, request));
    if (known === undefined) this.#pinned.set(stream, pinned, { size: request.inputs.blob?.paddedBytes ?? INLINE_BYTES });
    return { state, requested: request, ...pinned };
  }

  /** What never changes during a run: read and opened once, not once a task. */
  async #pin(stream: string, request: NonNullable<ExecutionState['request']>): Promise<Pinned> {
    const first = await this.#eventAt(stream, 0);
    const inputs = (await this.#values.open(first, '/inputs', request.inputs)) as JsonObject;
    const { stream: workflow, version } = await this.#pinnedVersion(request);
    const { plan } = await this.#manifests.at(workflow, version.draftRevision, version.manifestDigest);
    return { plan, inputs, actor: first.actor };
  }

  async #pinnedVersion({ executionId, workflow: { id, version } }: NonNullable<ExecutionState['request']>): Promise<{ readonly stream: StreamName; readonly version: PublishedVersion }> {
    for (const atLeast of [-1, 'newest'] as const) {
      const workflow = await this.#workflows.find(id, atLeast);
      const found = workflow?.state.versions.get(version);
      if (workflow !== undefined && found !== undefined) return { stream: workflow.stream, version: found };
    }
    throw new Error(`run ${executionId} is pinned to a version that is gone`);
  }

  /** Of large outputs it opens only what the arguments refer to. What is over the limit is never put together. */
  async #bind(stream: string, run: Run, taskId: string, attempt: number): Promise<ReturnType<typeof resolve>> {
    const written = run.plan.arguments.get(taskId) ?? {};
    const outputs = new Map<string, Json>();
    for (const upstream of run.state.shape?.byId.get(taskId)?.reads ?? []) {
      const revision = run.state.tasks.get(upstream)?.outputRevision;
      if (revision === null || revision === undefined) continue;
      const output = await this.#openOutput(await this.#eventAt(stream, revision), pathsInto(upstream, written));
      if (output === undefined) return { kind: 'too-large' };
      outputs.set(upstream, output);
    }
    const { executionId: id, conductorUrl } = run.requested;
    const scope: Scope = { inputs: run.inputs, outputs, run: { id, attempt, conductorUrl }, workflow: run.plan.workflow };
    const bound = resolve(written, scope, VALUE_LIMITS.argumentBytesMax);
    return bound.kind === 'resolved' && Buffer.byteLength(canonicalText(bound.value)) > VALUE_LIMITS.argumentBytesMax ? { kind: 'too-large' } : bound;
  }

  async #openOutput(recorded: Recorded, paths: readonly Path[]): Promise<Json | undefined> {
    const { event } = recorded;
    if (event.type !== 'execution.task-succeeded.v1' && event.type !== 'execution.task-reused.v1') throw new Error(`${event.type} holds no output`);
    return this.#values.openParts(recorded, '/output', event.data.output, paths, VALUE_LIMITS.argumentBytesMax);
  }

  async #eventAt(stream: string, revision: number): Promise<Recorded> {
    const page = await this.#store.readStream(stream as StreamName, { from: BigInt(revision), direction: 'forward', limit: 1 });
    const stored = page.kind === 'page' ? page.events[0] : undefined;
    if (stored === undefined) throw new Error(`${stream} has no revision ${revision}`);
    return recordedOf(stored);
  }
}

type Pinned = { readonly plan: Plan; readonly inputs: JsonObject; readonly actor: string };
type Run = Pinned & { readonly state: ExecutionState; readonly requested: NonNullable<ExecutionState['request']> };

/** What arguments refer to of one task's output. */
function pathsInto(upstream: string, written: Json): readonly Path[] {
  return findReferences(written).flatMap((found) => (found.kind === 'reference' && found.reference.root === 'output' && found.reference.taskId === upstream ? [found.reference.path] : []));
}

function unbound(taskId: string, attempt: number, bound: Exclude<ReturnType<typeof resolve>, { kind: 'resolved' }>): Unbound {
  if (bound.kind === 'too-large') {
    const message = `the arguments are over ${VALUE_LIMITS.argumentBytesMax} bytes once their expressions are resolved: refer to a part of the value, or pass a file`;
    return { kind: 'unbound', taskId, attempt, code: 'ARGUMENTS_TOO_LARGE', message, checkId: null };
  }
  const message = `\${{ ${bound.expression} }} has no value: check the inputs of the run and the output of the task that it names`;
  return { kind: 'unbound', taskId, attempt, code: 'EXPRESSION_UNRESOLVED', message, checkId: null };
}
