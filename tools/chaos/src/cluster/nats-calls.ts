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

const isSource = import.meta.url.endsWith('.ts');
/** The library as services outside install it. It is no part of a harness: it is found where the repository has it. */
const LIBRARY = new URL(`../../../../libs/client/${isSource ? 'src/index.ts' : 'dist/index.js'}`, import.meta.url).href;

type Command = { readonly type: string; readonly payload: object };
type Followed = { readonly event: { readonly [member: string]: unknown } };
/** What of a `MaestroClient` is used here. */
type Client = {
  send(command: Command, o: { readonly commandId: string; readonly withinMs: number }): Promise<{ readonly commandId: string; readonly result: { readonly [member: string]: unknown } }>;
  outcome(commandId: string): Promise<{ readonly outcome: { readonly kind?: unknown } | null } | null>;
  follow(executionId: string, o: { readonly after?: number }): AsyncGenerator<Followed, unknown, undefined>;
  close(): Promise<void>;
};
type Library = { connectClient(o: { readonly servers: string; readonly user: string; readonly prefix: string }): Promise<Client> };
type Problem = { readonly status: number };

export function isOverNats(key: string): boolean {
  let sum = 0;
  for (const unit of key) sum += unit.codePointAt(0) ?? 0;
  return sum % SHARE === 0;
}

/** Commands and tails over NATS, by the client library, in the words of the REST interface. */
export class NatsCalls implements RestCalls {
  readonly #client: Client;
  readonly #withinMs: number;

  private constructor(client: Client, withinMs: number) {
    this.#client = client;
    this.#withinMs = withinMs;
  }

  /** `withinMs`: a command that is not answered by then is taken for lost, and sent again by whoever sends it. */
  static async connect(natsUrl: string, withinMs: number, prefix = 'mc'): Promise<NatsCalls> {
    const { connectClient } = (await import(LIBRARY)) as Library;
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

async function* eventsOf(first: IteratorResult<Followed, unknown>, following: AsyncIterator<Followed, unknown>): AsyncGenerator<ServerSentEvent> {
  for (let step = first; step.done !== true; step = await following.next()) {
    const { event } = step.value;
    yield { id: String(event['revision']), event: String(event['type']), data: canonicalText(event as Json) };
  }
}

/** What a call of REST asks for, as a command. */
function commandOf(path: string, body: object): Command {
  const [, collection, id = '', verb] = /^\/api\/(executions|workflows)(?:\/([^/]+)\/([a-z]+))?$/.exec(path) ?? [];
  if (collection === 'executions' && verb === undefined) return { type: 'execution.start.v1', payload: { executionId: null, version: null, inputs: {}, rollout: null, region: null, ...body } };
  if (collection === 'workflows' && verb === undefined) return { type: 'workflow.save-draft.v1', payload: { manifest: body } };
  const payload = PAYLOADS[`${String(collection)}/${String(verb)}`];
  if (payload === undefined) throw new Error(`${path} is no command over NATS`);
  return { type: `${collection === 'executions' ? 'execution' : 'workflow'}.${String(verb)}.v1`, payload: payload(id) };
}

const PAYLOADS: { readonly [route: string]: ((id: string) => object) | undefined } = {
  'executions/resume': (executionId) => ({ executionId }),
  'executions/cancel': (executionId) => ({ executionId, reason: null, comment: '' }),
  'workflows/publish': (workflowId) => ({ workflowId, version: null }),
  'workflows/promote': (workflowId) => ({ workflowId, comment: '' }),
  'workflows/rollback': (workflowId) => ({ workflowId, to: null, comment: '' }),
};

/** Of a refusal by the conductor; undefined: nobody answered. */
function problemOf(error: unknown): Problem | undefined {
  return error instanceof Error && error.name === 'RefusedError' ? (error as Error & { readonly problem: Problem }).problem : undefined;
}
