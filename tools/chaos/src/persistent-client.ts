import { eventHash } from '@maestro/receipt';
import type { Answer, Observation } from './history/claim-checks.ts';
import { jsonOf } from './rest-client.ts';
import type { RestAnswer, RestClient } from './rest-client.ts';

/** Between two tries while nobody answers. */
const RETRY_MS = 20;
const TERMINAL = ['execution.completed.v1', 'execution.denied.v1'];

/** A command that was answered as accepted, and all that is needed to send it again. */
export type Acknowledged = Answer & { readonly path: string; readonly body: object; /** stream that has its first event */ readonly stream: string };

/** What clients sent and saw, together. */
export type Seen = {
  readonly acknowledged: Acknowledged[];
  readonly observed: Observation[];
  /** by execution id */
  readonly verdicts: Map<string, string>;
  /** commands that were sent more than once, because no answer came */
  resentCount: number;
  /** longest time from sending a command first to its answer, milliseconds */
  stallMaxMs: number;
};

export function nothingSeen(): Seen {
  return { acknowledged: [], observed: [], verdicts: new Map(), resentCount: 0, stallMaxMs: 0 };
}

/**
 * A client as people write them.
 * C1. A command is sent with the same key and body until it is answered; only a success counts.
 * C2. A tail that breaks is taken up behind the last event that was seen; what was seen is remembered.
 * C3. What no later try can mend (a refusal, a run that is gone) is thrown.
 */
export class PersistentClient {
  readonly #client: RestClient;
  readonly #seen: Seen;
  readonly #isAbandoned: () => boolean;
  readonly #onAcknowledged: () => void;

  constructor(client: RestClient, seen: Seen, hooks: { readonly isAbandoned: () => boolean; readonly onAcknowledged: () => void }) {
    this.#client = client;
    this.#seen = seen;
    this.#isAbandoned = hooks.isAbandoned;
    this.#onAcknowledged = hooks.onAcknowledged;
  }

  /** Answers the id of the run. */
  async start(request: object, key: string): Promise<string> {
    return this.#acknowledge('/api/executions', request, key, undefined);
  }

  /** Answers the id of the new run. */
  async resume(executionId: string, key: string): Promise<string> {
    return this.#acknowledge(`/api/executions/${executionId}/resume`, {}, key, undefined);
  }

  async cancel(executionId: string, key: string): Promise<void> {
    await this.#acknowledge(`/api/executions/${executionId}/cancel`, {}, key, `execution-${executionId}`);
  }

  async saveDraft(manifest: { readonly name: string }, key: string): Promise<void> {
    await this.#acknowledge('/api/workflows', manifest, key, `workflow-${manifest.name}`);
  }

  async ofWorkflow(verb: 'publish' | 'promote' | 'rollback', workflowId: string, key: string): Promise<void> {
    await this.#acknowledge(`/api/workflows/${workflowId}/${verb}`, {}, key, `workflow-${workflowId}`);
  }

  /** Sends a command that was acknowledged once more. Answers what is said now: the same, if all is well. */
  async repeat({ path, body, key, stream }: Acknowledged): Promise<Acknowledged> {
    return acknowledgedOf({ path, body, key }, await this.#send(path, body, key), namesRun(path) ? undefined : stream);
  }

  /** Until the terminal event of a run. Answers its verdict. */
  async follow(executionId: string): Promise<string> {
    for (let from = 0; ; ) {
      try {
        const { status, events } = await this.#client.tail(executionId, from);
        if (status === 404) throw new Lost(`run ${executionId} was acknowledged and is gone`);
        if (status === 204) throw new Lost(`run ${executionId} ended unseen behind revision ${from}`);
        for await (const { id, event, data } of events) {
          this.#seen.observed.push({ stream: `execution-${executionId}`, revision: Number(id), hash: eventHash(Buffer.from(data, 'utf8')) });
          from = Number(id) + 1;
          if (TERMINAL.includes(event)) return this.#ended(executionId, data);
        }
      } catch (error) {
        if (error instanceof Lost) throw error;
      }
      await this.#pause();
    }
  }

  #ended(executionId: string, data: string): string {
    const { data: said } = JSON.parse(data) as { readonly data: { readonly verdict?: string } };
    const verdict = said.verdict ?? 'denied';
    this.#seen.verdicts.set(executionId, verdict);
    return verdict;
  }

  async #acknowledge(path: string, body: object, key: string, stream: string | undefined): Promise<string> {
    const from = performance.now();
    const one = acknowledgedOf({ path, body, key }, await this.#send(path, body, key), stream);
    this.#seen.stallMaxMs = Math.max(this.#seen.stallMaxMs, performance.now() - from);
    this.#seen.acknowledged.push(one);
    this.#onAcknowledged();
    return one.executionId;
  }

  async #send(path: string, body: object, key: string): Promise<RestAnswer> {
    for (let tries = 0; ; tries++) {
      if (tries === 1) this.#seen.resentCount += 1;
      const answer = await this.#client.command(path, body, key).catch(() => undefined);
      if (answer !== undefined && answer.status < 300) return answer;
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) throw new Error(`${path} answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 500)}`);
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    if (this.#isAbandoned()) throw new Error('the load was abandoned');
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Whether the answer to a command names a run that the command made. */
function namesRun(path: string): boolean {
  return path === '/api/executions' || path.endsWith('/resume');
}

/** `stream`: where the command has its events; undefined: the run that the answer names. */
function acknowledgedOf(sent: Pick<Acknowledged, 'path' | 'body' | 'key'>, answer: RestAnswer, stream: string | undefined): Acknowledged {
  const executionId = stream === undefined ? jsonOf<{ id: string }>(answer).id : '';
  return { ...sent, commandId: answer.commandId, executionId, stream: stream ?? `execution-${executionId}` };
}

class Lost extends Error {}
