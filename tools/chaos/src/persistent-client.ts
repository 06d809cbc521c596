import { eventHash } from '@maestro/receipt';
import type { Answer, Observation } from './history/claim-checks.ts';
import { jsonOf } from './rest-client.ts';
import type { RestAnswer, RestClient } from './rest-client.ts';

/** Between two tries while nobody answers: doubled until the second, so that waiting clients leave the machine to the one that starts. */
const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 160;
const TERMINAL = ['execution.completed.v1', 'execution.denied.v1'];
/** Events that say why a run does not succeed, and how much of each is kept for people. */
const TELLING = ['execution.policy-decided.v1', 'execution.task-failed.v1', 'execution.task-timed-out.v1', 'execution.cancel-requested.v1'];
const TOLD_LENGTH = 800;

/** What a client needs of the interface; several addresses may stand behind it. */
export type RestCalls = Pick<RestClient, 'command' | 'tail'>;

/** A command that was answered as accepted, and all that is needed to send it again. */
export type Acknowledged = Answer & { readonly path: string; readonly body: object; /** stream that has its first event */ readonly stream: string };

/** A command that waited for its answer: for how long, what was tried in vain meanwhile and how long that took. */
export type Stall = { readonly ms: number; readonly path: string; readonly tries: number; readonly longestTryMs: number; readonly longestTry: string };

/** For people: what was asked for, and what was tried in vain. */
export function textOfStall({ path, tries, longestTryMs, longestTry }: Stall): string {
  return `${path.replace(/^(\/api\/[a-z]+)\/[^/]+/, '$1/…')}, try ${tries}; the longest took ${Math.round(longestTryMs)} ms: ${longestTry}`;
}

/** What clients sent and saw, together. */
export type Seen = {
  readonly acknowledged: Acknowledged[];
  readonly observed: Observation[];
  /** by execution id */
  readonly verdicts: Map<string, string>;
  /** commands that were sent more than once, because no answer came */
  resentCount: number;
  /** the one that took longest from sending it first to its answer */
  stall: Stall;
};

export function nothingSeen(): Seen {
  return { acknowledged: [], observed: [], verdicts: new Map(), resentCount: 0, stall: { ms: 0, path: '', tries: 0, longestTryMs: 0, longestTry: '' } };
}

/**
 * A client as people write them.
 * C1. A command is sent with the same key and body until it is answered; only a success counts. Of a publication that is what
 *     policy said, not that it was asked.
 * C2. A tail that breaks is taken up behind the last event that was seen; what was seen is remembered.
 * C3. What no later try can mend (a refusal, a run that is gone) is thrown.
 */
export class PersistentClient {
  readonly #client: RestCalls;
  readonly #seen: Seen;
  readonly #isAbandoned: () => boolean;
  readonly #onAcknowledged: () => void;
  readonly #retryMaxMs: number;

  /** `retryMaxMs`: the longest pause between two tries, for clients so many that they would keep a server busy with tries alone */
  constructor(client: RestCalls, seen: Seen, hooks: { readonly isAbandoned: () => boolean; readonly onAcknowledged: () => void; readonly retryMaxMs?: number | undefined }) {
    this.#client = client;
    this.#seen = seen;
    this.#isAbandoned = hooks.isAbandoned;
    this.#onAcknowledged = hooks.onAcknowledged;
    this.#retryMaxMs = hooks.retryMaxMs ?? RETRY_MAX_MS;
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

  /** Until the terminal event of a run. Answers its verdict, which is thrown where another one was expected, with what led to it. */
  async follow(executionId: string, expected?: string): Promise<string> {
    const told: string[] = [];
    for (let [from, fruitless] = [0, 0]; ; fruitless++) {
      try {
        const { status, events } = await this.#client.tail(executionId, from);
        if (status === 404) throw new Lost(`run ${executionId} was acknowledged and is gone`);
        if (status === 204) throw new Lost(`run ${executionId} ended unseen behind revision ${from}`);
        for await (const { id, event, data } of events) {
          this.#seen.observed.push({ stream: `execution-${executionId}`, revision: Number(id), hash: eventHash(Buffer.from(data, 'utf8')) });
          from = Number(id) + 1;
          fruitless = 0;
          if (TELLING.includes(event)) told.push(`${id} ${data.slice(0, TOLD_LENGTH)}`);
          if (TERMINAL.includes(event)) return this.#ended(executionId, data, { expected, told });
        }
      } catch (error) {
        if (error instanceof Lost) throw error;
      }
      await this.#pause(fruitless + 1);
    }
  }

  #ended(executionId: string, data: string, { expected, told }: { readonly expected: string | undefined; readonly told: readonly string[] }): string {
    const { data: said } = JSON.parse(data) as { readonly data: { readonly verdict?: string } };
    const verdict = said.verdict ?? 'denied';
    this.#seen.verdicts.set(executionId, verdict);
    if (verdict !== (expected ?? verdict)) throw new Lost([`run ${executionId} ended as ${verdict}; undisturbed it ends as ${expected}`, ...told].join('\n  '));
    return verdict;
  }

  async #acknowledge(path: string, body: object, key: string, stream: string | undefined): Promise<string> {
    const one = acknowledgedOf({ path, body, key }, await this.#send(path, body, key), stream);
    this.#seen.acknowledged.push(one);
    this.#onAcknowledged();
    return one.executionId;
  }

  async #send(path: string, body: object, key: string): Promise<RestAnswer> {
    const from = performance.now();
    let longest = { ms: 0, how: '' };
    for (let tries = 1; ; tries++) {
      if (tries === 2) this.#seen.resentCount += 1;
      const began = performance.now();
      const answer = await this.#client.command(path, body, key).catch((error: unknown) => String(error));
      const how = typeof answer === 'string' ? answer : String(answer.status);
      if (performance.now() - began > longest.ms) longest = { ms: performance.now() - began, how };
      if (typeof answer !== 'string' && answer.status < 300 && !isUndecided(path, answer)) {
        const ms = performance.now() - from;
        if (ms > this.#seen.stall.ms) this.#seen.stall = { ms, path, tries, longestTryMs: longest.ms, longestTry: longest.how };
        return answer;
      }
      if (typeof answer !== 'string' && answer.status >= 300 && answer.status < 500 && answer.status !== 429) throw new Error(`${path} answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 500)}`);
      await this.#pause(tries);
    }
  }

  async #pause(tries: number): Promise<void> {
    if (this.#isAbandoned()) throw new Error('the load was abandoned');
    await new Promise((resolve) => setTimeout(resolve, Math.min(this.#retryMaxMs, RETRY_MIN_MS * 2 ** (tries - 1))));
  }
}

/** A publication that still waits for policy. */
function isUndecided(path: string, { status }: RestAnswer): boolean {
  return path.endsWith('/publish') && status === 202;
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
