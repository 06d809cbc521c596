import { encodePlaces } from '@maestro/codec';
import type { Secrets } from '@maestro/codec';
import { BULK_BYTES_MAX, COMMIT_EVENTS_MAX, executionStream, finishedTasks, mayTakeOver } from '@maestro/domain';
import type { ExecutionId, ExecutionState, FinishedTask, Recorded, Reuse, ReusedOutput, StreamName } from '@maestro/domain';
import { Fault, isFault } from '@maestro/ports';
import type { DataKeyId, EventStore } from '@maestro/ports';
import type { OpenedPlace } from '@maestro/receipt';
import { LRUCache } from 'lru-cache';
import { readEventAt } from '../recorded-events.ts';
import type { SealedValues } from '../sealed-values.ts';

/** State of a run as it is stored. */
export type FindRun = (stream: StreamName) => Promise<ExecutionState>;

/** What one commit takes over, and what opens it. */
export type TakenOver = { readonly reuse: Reuse; readonly secrets: Secrets };

/** Ended runs whose finished tasks are kept at hand; an ended run never changes. */
const ENDED_MAX = 100;
/** Ciphertext in base64 and the names around it, over its plaintext. */
const SEALED_RATIO = 4 / 3;
const SEALED_EXTRA_BYTES = 256;
/** Digest, key id and location, which has at most 512 characters. */
const BLOB_NAME_BYTES = 1_024;

/** What never changes of a run that ended. */
type Ended = { readonly finished: readonly FinishedTask[]; readonly keyId: DataKeyId };

/** Run that outputs come from, and key that they are sealed under now. */
type Wanted = { readonly executionId: string; readonly keyId: DataKeyId };

/**
 * Outputs of the run that a resumed one goes on from: opened, and sealed again under the new run's key with their salt,
 * so that the commitment stays the same.
 * R1. The same state gives the same outputs in the same order: a repeat takes over nothing twice.
 * R2. An output whose key was destroyed on the way is not taken over; its task runs again, with the same idempotency key.
 */
export class ResumeOutputs {
  readonly #store: EventStore;
  readonly #values: SealedValues;
  readonly #findRun: FindRun;
  readonly #ended = new LRUCache<string, Ended>({ max: ENDED_MAX });

  constructor(store: EventStore, values: SealedValues, findRun: FindRun) {
    this.#store = store;
    this.#values = values;
    this.#findRun = findRun;
  }

  /** As many outputs as a commit holds; undefined: the run goes on from none. */
  async next(state: ExecutionState): Promise<TakenOver | undefined> {
    const { request } = state;
    const from = request?.resumedFrom ?? null;
    if (request === undefined || from === null) return undefined;
    const stream = executionStream(from.executionId as ExecutionId);
    const ended = await this.#endedRun(stream);
    const open = ended.finished.filter(({ taskId }) => mayTakeOver(state, taskId));
    if (open.length > 0 && (await this.#isErased(ended.keyId))) return { reuse: { outputs: [], remaining: 0 }, secrets: new Map() };
    const outputs: ReusedOutput[] = [];
    const secrets = new Map<string, OpenedPlace>();
    let bytes = 0;
    for (const { revision } of open) {
      if (bytes >= BULK_BYTES_MAX || outputs.length >= COMMIT_EVENTS_MAX) break;
      const output = await this.#unlessErased(stream, { executionId: from.executionId, keyId: request.dataKeyId, revision }, secrets);
      if (output === undefined) return { reuse: { outputs, remaining: 0 }, secrets };
      outputs.push(output);
      bytes += output.bytes;
    }
    return { reuse: { outputs, remaining: open.length - outputs.length }, secrets };
  }

  async #endedRun(stream: StreamName): Promise<Ended> {
    const known = this.#ended.get(stream);
    if (known !== undefined) return known;
    const state = await this.#findRun(stream);
    const ended = { finished: finishedTasks(state), keyId: state.request?.dataKeyId ?? '' };
    this.#ended.set(stream, ended);
    return ended;
  }

  /** A key that is gone opens nothing, whatever is still remembered of its values. */
  async #isErased(keyId: DataKeyId): Promise<boolean> {
    try {
      await this.#values.tag(keyId, 'resume');
      return false;
    } catch (error) {
      if (isFault(error, 'KEY_DESTROYED')) return true;
      throw error;
    }
  }

  async #unlessErased(stream: StreamName, { revision, ...to }: Wanted & { readonly revision: number }, secrets: Map<string, OpenedPlace>): Promise<ReusedOutput | undefined> {
    const recorded = await readEventAt(this.#store, stream, revision);
    if (recorded === undefined) throw new Fault('STORE_DAMAGED', `revision ${revision} of ${stream} is gone`);
    try {
      return await this.#sealedAgain(recorded, to, secrets);
    } catch (error) {
      if (isFault(error, 'KEY_DESTROYED')) return undefined;
      throw error;
    }
  }

  async #sealedAgain(recorded: Recorded, { executionId, keyId }: Wanted, secrets: Map<string, OpenedPlace>): Promise<ReusedOutput> {
    const { event, revision, hash: eventHash } = recorded;
    if (event.type !== 'execution.task-succeeded.v1' && event.type !== 'execution.task-reused.v1') throw new Error(`${event.type} holds no output`);
    const attempt = event.type === 'execution.task-reused.v1' ? event.data.from.attempt : event.data.attempt;
    const output = await this.#values.sealAgain(secrets, keyId, recorded, '/output', event.data.output);
    // a large output is a blob of its own: only its name takes room in the commit
    const place = secrets.get(output.commitment);
    const sealedBytes = place === undefined ? BLOB_NAME_BYTES : Math.ceil(encodePlaces([place]).length * SEALED_RATIO);
    const publicPart = event.data.public;
    const bytes = sealedBytes + SEALED_EXTRA_BYTES + Buffer.byteLength(JSON.stringify(publicPart));
    return { data: { taskId: event.data.taskId, from: { executionId, revision, eventHash, attempt }, output, public: publicPart }, bytes };
  }
}
