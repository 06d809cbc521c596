import { seal } from '@maestro/codec';
import type { CommandOf } from '@maestro/contracts';
import type { AttemptReport, ExecutionState, Json, JsonObject, StreamName } from '@maestro/domain';
import type { OpenedPlace } from '@maestro/receipt';
import { canonicalBytes, findUnrepresentable } from '@maestro/receipt';
import type { TaskPackages } from '@maestro/ports';
import type { SealedValues } from '../sealed-values.ts';
import { publicPartOf } from './public-part.ts';

type Report = CommandOf<'execution.report-task.v1'>['payload'];
type Sealed = { readonly report: AttemptReport; readonly secrets: ReadonlyMap<string, OpenedPlace> };

/** An output above this is refused by name, never cut. */
export const OUTPUT_BYTES_MAX = 64 * 1024;
/** Logs and messages are cut to what fits beside an event; the cut is marked. */
const LOG_BYTES_MAX = 64 * 1024;

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

  seal(state: ExecutionState, payload: Report): Sealed {
    const secrets = new Map<string, OpenedPlace>();
    const { taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment } = payload;
    const log = payload.log === '' ? null : seal(secrets, '/log', this.#values.randomSalt(), cut(payload.log));
    const outcome = this.#outcome(state, payload, secrets);
    return { report: { taskId, attempt, runner, leaseId, startedAt, durationMs, argumentsCommitment, log, outcome }, secrets };
  }

  /** The arguments could not be made: no runner ever saw the attempt. */
  sealUnbound(taskId: string, attempt: number, code: string, message: string): Sealed {
    const secrets = new Map<string, OpenedPlace>();
    const outcome = this.#failed(secrets, code, message, false);
    const none = { runner: null, leaseId: null, startedAt: null, durationMs: null, argumentsCommitment: null, log: null };
    return { report: { taskId, attempt, ...none, outcome }, secrets };
  }

  #outcome(state: ExecutionState, { taskId, outcome }: Report, secrets: Map<string, OpenedPlace>): AttemptReport['outcome'] {
    switch (outcome.kind) {
      case 'succeeded': {
        const output = outcome.output as JsonObject;
        const bad = findUnrepresentable(output);
        if (bad !== undefined) return this.#failed(secrets, 'INVALID_JSON_VALUE', `output${bad.pointer}: ${bad.reason}`, false);
        const sizeBytes = canonicalBytes(output).length;
        if (sizeBytes > OUTPUT_BYTES_MAX) {
          return this.#failed(secrets, 'OUTPUT_TOO_LARGE', `the output is ${sizeBytes} bytes; at most ${OUTPUT_BYTES_MAX}. Write it to a file and pass its digest`, false);
        }
        const sealed = seal(secrets, '/output', this.#values.randomSalt(), output);
        return { kind: 'succeeded', output: sealed, public: this.#publicPart(state, taskId, output) };
      }
      case 'failed':
        return this.#failed(secrets, outcome.code, outcome.message, outcome.retryable);
      default:
        return outcome;
    }
  }

  #publicPart(state: ExecutionState, taskId: string, output: JsonObject): { readonly [key: string]: Json } {
    const uses = state.shape?.byId.get(taskId)?.uses;
    const found = uses === undefined ? undefined : this.#packages.resolve(uses);
    return found?.kind === 'resolved' ? publicPartOf(found.definition.outputSchema, output) : {};
  }

  #failed(secrets: Map<string, OpenedPlace>, code: string, message: string, retryable: boolean): AttemptReport['outcome'] {
    const detail = message === '' ? null : seal(secrets, '/error/detail', this.#values.randomSalt(), cut(message));
    return { kind: 'failed', code, retryable, detail };
  }
}

function cut(text: string): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length <= LOG_BYTES_MAX / 4 ? wellFormed : `${wellFormed.slice(0, LOG_BYTES_MAX / 4).toWellFormed()}\n[cut]`;
}
