import type { AnyCommand } from '@maestro/contracts';
import { QueryBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { CallerMessage } from '@maestro/ports';
import { Parts, openApi } from '../../fixtures/api.ts';
import { API_DEFAULTS } from '../settings.ts';
import { openNatsEdge } from './nats-edge.ts';

const RUN = '01920000-0000-7000-8000-0000000000f1';
const MANIFEST = { name: 'greeting', version: '2.0.0', tasks: [{ id: 'a', uses: 'pkg:core/echo@1.0.0', with: { text: 'hello' }, needs: [] }] };

/** Each command of a client: the request over REST, and the body over NATS. */
const COMMANDS: readonly (readonly [path: string, body: object, command: AnyCommand])[] = [
  ['/api/workflows', MANIFEST, { type: 'workflow.save-draft.v1', payload: { manifest: MANIFEST } }],
  ['/api/workflows/greeting/publish', { version: '2.0.0' }, { type: 'workflow.publish.v1', payload: { workflowId: 'greeting', version: '2.0.0' } }],
  ['/api/workflows/greeting/promote', { comment: 'as agreed' }, { type: 'workflow.promote.v1', payload: { workflowId: 'greeting', comment: 'as agreed' } }],
  ['/api/workflows/greeting/rollback', { to: '1.0.0', comment: '' }, { type: 'workflow.rollback.v1', payload: { workflowId: 'greeting', to: '1.0.0', comment: '' } }],
  ['/api/executions', { workflowId: 'greeting', inputs: { n: 1 } }, { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'greeting', version: null, inputs: { n: 1 }, rollout: null, region: null } }],
  [`/api/executions/${RUN}/cancel`, { comment: 'as agreed' }, { type: 'execution.cancel.v1', payload: { executionId: RUN, reason: null, comment: 'as agreed' } }],
  [`/api/executions/${RUN}/resume`, {}, { type: 'execution.resume.v1', payload: { executionId: RUN } }],
];

describe('a command over REST and the same one over NATS', () => {
  let parts: Parts;
  let app: NestFastifyApplication;
  let overNats: (command: AnyCommand) => Promise<{ readonly [name: string]: unknown }>;

  beforeAll(async () => {
    parts = new Parts();
    app = await openApi(parts);
    const { gateway, log } = parts;
    const { clock, entropy, metrics } = parts.dependencies({}, {});
    let answer: (message: CallerMessage) => Promise<Uint8Array | null> = async () => null;
    const idle = { stop: async () => {} };
    const messages = { serve: (handler: typeof answer) => ((answer = handler), idle), takeIn: () => idle };
    openNatsEdge({ messages, gateway, queries: app.get(QueryBus), clock, entropy, metrics, log, settings: API_DEFAULTS, workers: new Set() });
    overNats = async (command) => {
      const [aggregate = '', verb = ''] = command.type.split('.');
      const bytes = await answer({ address: `local.${aggregate}.${verb}`, replyTo: '_INBOX_local.x', headers: new Map([['commandId', 'same']]), body: Buffer.from(JSON.stringify(command)) });
      return JSON.parse(Buffer.from(bytes ?? []).toString());
    };
  });
  afterAll(() => app.close());
  beforeEach(() => {
    parts.gateway.sent.length = 0;
    parts.gateway.answer = () => ({ kind: 'ok', position: '7', result: { id: 'greeting', version: '2.0.0', digest: `sha256:${'0'.repeat(64)}`, executionId: RUN, channel: 'stable', to: '1.0.0' } });
  });
  const overRest = (path: string, body: object) => app.inject({ method: 'POST', url: path, headers: { 'idempotency-key': 'same', 'content-type': 'application/json' }, payload: body });

  it.each(COMMANDS)('%s: the same command by the same actor reaches the gateway', async (path, body, command) => {
    const answer = await overRest(path, body);
    expect([200, 201, 202]).toContain(answer.statusCode);
    expect(await overNats(command)).toMatchObject({ ok: true, position: '7' });
    const [rest, nats] = parts.gateway.sent;
    expect([rest?.command, rest?.actor, rest?.tenant]).toEqual([nats?.command, nats?.actor, nats?.tenant]);
    expect(parts.gateway.sent).toHaveLength(2);
  });

  it.each(COMMANDS)('%s: a refusal is the same document', async (path, body, command) => {
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'WORKFLOW_RETIRED', detail: 'it is retired', params: { since: '1.0.0' } } });
    const { instance: _rest, ...rest } = (await overRest(path, body)).json<{ instance: string }>();
    const { instance: _nats, ...nats } = await overNats(command);
    expect(nats).toEqual(rest);
  });
});
