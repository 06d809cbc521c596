import { RefusedError, connectClient } from '@maestro/client';
import type { ClientCommand, FollowedEvent, MaestroClient } from '@maestro/client';
import type { Json } from '@maestro/domain';
import { canonicalText } from '@maestro/receipt';
import { eventually } from '../eventually.ts';
import type { RestCalls } from '../persistent-client.ts';
import type { RestAnswer } from '../rest-client.ts';
import type { ServerSentEvent } from '../server-sent-events.ts';

/** The user of NATS as whom the harness sends commands; a deployment names it in `nats.callers`. */
export const NATS_USER = 'chaos';
/** Of all keys: one in so many is sent over NATS, always the same ones, so that a repeated command takes the same way. */
const SHARE = 4;

type Problem = { readonly status: number };

export function isOverNats(key: string): boolean {
  let sum = 0;
  for (const unit of key) sum += unit.codePointAt(0) ?? 0;
  return sum % SHARE === 0;
}

/** Commands and tails over NATS, by the client library, in the words of the REST interface. */
export class NatsCalls implements RestCalls {
  readonly #client: MaestroClient;
  readonly #withinMs: number;

  private constructor(client: MaestroClient, withinMs: number) {
    this.#client = client;
    this.#withinMs = withinMs;
  }

  /** `withinMs`: a command that is not answered by then is taken for lost, and sent again by whoever sends it. */
  static async connect(natsUrl: string, withinMs: number, prefix = 'mc'): Promise<NatsCalls> {
    return new NatsCalls(await connectClient({ servers: natsUrl, user: NATS_USER, prefix }), withinMs);
  }

  async command(path: string, body: object, key: string): Promise<RestAnswer> {
    try {
      const command = commandOf(path, body);
      const { commandId, result } = await this.#client.send(command, { commandId: key, withinMs: this.#withinMs });
      // REST answers a publication with what policy said; over NATS that is asked for
      const said = command.type === 'workflow.publish.v1' ? await this.#decisionOn(key) : 'published';
      if (said !== 'published') return { status: 409, commandId, body: Buffer.from(`the publication ended as ${said}`) };
      return { status: 200, commandId, body: Buffer.from(JSON.stringify({ id: result['executionId'] })) };
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      return { status: problem.status, commandId: '', body: Buffer.from(JSON.stringify(problem)) };
    }
  }

  async tail(executionId: string, from: number): Promise<{ readonly status: number; readonly events: AsyncIterable<ServerSentEvent> }> {
    const following = this.#client.follow(executionId, from === 0 ? {} : { after: from - 1 });
    try {
      const first = await following.next();
      return { status: first.done === true ? 204 : 200, events: eventsOf(first, following) };
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      return { status: problem.status, events: eventsOf({ done: true, value: undefined }, following) };
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** What policy made of a publication, as its outcome says. */
  async #decisionOn(key: string): Promise<string> {
    let kind = 'pending';
    await eventually(`policy decides on ${key}`, this.#withinMs, async () => {
      kind = String((await this.#client.outcome(key))?.outcome?.kind ?? 'pending');
      return kind !== 'pending';
    });
    return kind;
  }
}

async function* eventsOf(first: IteratorResult<FollowedEvent, unknown>, following: AsyncIterator<FollowedEvent, unknown>): AsyncGenerator<ServerSentEvent> {
  for (let step = first; step.done !== true; step = await following.next()) {
    const { event } = step.value;
    yield { id: String(event['revision']), event: String(event['type']), data: canonicalText(event as Json) };
  }
}

/** What a call of REST asks for, as a command. */
function commandOf(path: string, body: object): ClientCommand {
  const [, collection, id = '', verb] = /^\/api\/(executions|workflows)(?:\/([^/]+)\/([a-z]+))?$/.exec(path) ?? [];
  const command = COMMANDS[[collection, verb].filter(Boolean).join('/')];
  if (command === undefined) throw new Error(`${path} is no command over NATS`);
  return command(id, body);
}

/** By route. */
const COMMANDS: { readonly [route: string]: ((id: string, body: object) => ClientCommand) | undefined } = {
  executions: (_, body) => ({ type: 'execution.start.v1', payload: { executionId: null, version: null, inputs: {}, rollout: null, region: null, ...(body as { readonly workflowId: string }) } }),
  'executions/resume': (executionId) => ({ type: 'execution.resume.v1', payload: { executionId } }),
  'executions/cancel': (executionId) => ({ type: 'execution.cancel.v1', payload: { executionId, reason: null, comment: '' } }),
  workflows: (_, body) => ({ type: 'workflow.save-draft.v1', payload: { manifest: { ...body } } }),
  'workflows/publish': (workflowId) => ({ type: 'workflow.publish.v1', payload: { workflowId, version: null } }),
  'workflows/promote': (workflowId) => ({ type: 'workflow.promote.v1', payload: { workflowId, comment: '' } }),
  'workflows/rollback': (workflowId) => ({ type: 'workflow.rollback.v1', payload: { workflowId, to: null, comment: '' } }),
};

/** Of a refusal by the conductor; undefined: nobody answered. */
function problemOf(error: unknown): Problem | undefined {
  return error instanceof RefusedError ? error.problem : undefined;
}
