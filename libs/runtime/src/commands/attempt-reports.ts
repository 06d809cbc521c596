import type { CommandOf } from '@maestro/contracts';
import type { AttemptReport, ExecutionState, Json, JsonObject, StreamName } from '@maestro/domain';
import { UnparsedJson, VALUE_LIMITS } from '@maestro/ports';
import type { DataKeyId, TaskPackages } from '@maestro/ports';
import type { OpenedPlace } from '@maestro/receipt';
import { canonicalBytes, findUnrepresentable } from '@maestro/receipt';
import { scanInSlices } from '../byte-slices.ts';
import type { SealedValues } from '../sealed-values.ts';
import { partsAt } from '../value-parts.ts';
import { publicPlaces } from './public-part.ts';

type Report = CommandOf<'execution.report-task.v1'>['payload'];
type Outcome = AttemptReport['outcome'];
type Secrets = Map<string, OpenedPlace>;
type Sealed = { readonly report: AttemptReport; readonly secrets: ReadonlyMap<string, OpenedPlace> };

/** Characters of a failure's message that are kept; the cut is marked. */
const MESSAGE_LENGTH_MAX = 16_384;
/** Stands in a report that is only tried: whether it counts does not depend on its values. */
const UNSEALED = { commitment: '0'.repeat(64) };

/** Finds the commitment of the arguments that a check was asked about, in a run at least as of a revision. */
export type CheckedArguments = (stream: StreamName, checkId: string, atLeast: number) => Promise<string>;

/** Turns what a runner reports into what is recorded: values sealed, limits kept, public parts copied out. */
export class AttemptReports {
  readonly #values: SealedValues;
  readonly #packages: TaskPackages;
  readonly checkedArguments: CheckedArguments;

  constructor(values: SealedValues, packages: TaskPackages, checkedArguments: CheckedArguments) {
    this.#values = values;
    this.#packages = packages;
    this.checkedArguments = checkedArguments;
  }

  /** The report as far as deciders look at it: large values are sealed only for a report that counts. */
  unsealed({ taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, outcome }: Report): AttemptReport {
    return { taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, log: null, outcome: outcome.kind === 'succeeded' ? { kind: 'succeeded', output: UNSEALED, public: {} } : outcome.kind === 'failed' ? { ...outcome, detail: null } : outcome };
  }

  /** Large values are durable when this answers. */
  async seal(state: ExecutionState, keyId: DataKeyId, payload: Report): Promise<Sealed> {
    const secrets: Secrets = new Map();
    const { taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment } = payload;
    const outcome = await this.#outcome(state, keyId, payload, secrets);
    const log = payload.log === '' ? null : await this.#values.seal(secrets, keyId, '/log', payload.log.toWellFormed());
    return { report: { taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, log, outcome }, secrets };
  }

  /** The arguments could not be made: no runner ever saw the attempt. */
  async sealUnbound(keyId: DataKeyId, taskId: string, attempt: number, code: string, message: string): Promise<Sealed> {
    const secrets: Secrets = new Map();
    const outcome = await this.#failed(secrets, keyId, code, message, false);
    const none = { runner: null, leaseId: null, startedAt: null, durationMs: null, argumentsCommitment: null, log: null };
    return { report: { taskId, attempt, ...none, outcome }, secrets };
  }

  async #outcome(state: ExecutionState, keyId: DataKeyId, { taskId, outcome }: Report, secrets: Secrets): Promise<Outcome> {
    switch (outcome.kind) {
      case 'succeeded':
        return this.#succeeded(state, keyId, taskId, outcome.output, secrets);
      case 'failed':
        return this.#failed(secrets, keyId, outcome.code, outcome.message, outcome.retryable);
      default:
        return outcome;
    }
  }

  async #succeeded(state: ExecutionState, keyId: DataKeyId, taskId: string, output: object, secrets: Secrets): Promise<Outcome> {
    const fail = (code: string, message: string): Promise<Outcome> => this.#failed(secrets, keyId, code, message, false);
    const bad = output instanceof UnparsedJson ? undefined : findUnrepresentable(output);
    if (bad !== undefined) return fail('INVALID_JSON_VALUE', `output${bad.pointer}: ${bad.reason}`);
    const bytes = output instanceof UnparsedJson ? output.bytes : canonicalBytes(output as JsonObject);
    if (bytes.length > VALUE_LIMITS.outputBytesMax) {
      return fail('OUTPUT_TOO_LARGE', `the output is ${bytes.length} bytes; at most ${VALUE_LIMITS.outputBytesMax}. Write it to a file and pass its digest`);
    }
    const { problem, found } = await scanInSlices(bytes, this.#values.pause, publicPlaces(this.#schemaOf(state, taskId)), { throughLists: false });
    if (problem !== undefined) return fail('INVALID_JSON_VALUE', `output${problem.pointer}: ${problem.reason}`);
    const shown = partsAt(bytes, found, VALUE_LIMITS.publicBytesMax);
    if (shown === undefined) {
      return fail('OUTPUT_TOO_LARGE', `what the package declares public of the output is over ${VALUE_LIMITS.publicBytesMax} bytes; let it declare less, or give it less to do`);
    }
    const value = output instanceof UnparsedJson || bytes.length > VALUE_LIMITS.inlineBytesMax ? bytes : (output as JsonObject);
    return { kind: 'succeeded', output: await this.#values.seal(secrets, keyId, '/output', value), public: shown as { readonly [key: string]: Json } };
  }

  #schemaOf(state: ExecutionState, taskId: string): JsonObject {
    const uses = state.shape?.byId.get(taskId)?.uses;
    const found = uses === undefined ? undefined : this.#packages.resolve(uses);
    return found?.kind === 'resolved' ? found.definition.outputSchema : {};
  }

  async #failed(secrets: Secrets, keyId: DataKeyId, code: string, message: string, retryable: boolean): Promise<Outcome> {
    const detail = message === '' ? null : await this.#values.seal(secrets, keyId, '/error/detail', cut(message));
    return { kind: 'failed', code, retryable, detail };
  }
}

function cut(text: string): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length <= MESSAGE_LENGTH_MAX ? wellFormed : `${wellFormed.slice(0, MESSAGE_LENGTH_MAX).toWellFormed()}\n[cut]`;
}
