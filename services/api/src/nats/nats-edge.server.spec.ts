import { QueryBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { clientCommandId } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';
import { headersOf, openCallerMessages, openNatsConnection, publishDurable, startNatsServer, tapServer } from '../../fixtures/nats.ts';
import type { NatsLink, NatsServer, Wiretap } from '../../fixtures/nats.ts';
import { API_DEFAULTS } from '../settings.ts';
import { openNatsEdge } from './nats-edge.ts';
import type { NatsEdge } from './nats-edge.ts';

const START = { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'greeting', version: null, inputs: {}, rollout: null, region: null } };

describe('the NATS edge on a real server', () => {
  let server: NatsServer;
  let api: NatsLink;
  let alice: NatsLink;
  let app: NestFastifyApplication;
  let parts: Parts;
  let edge: NatsEdge;
  let tap: Wiretap;

  beforeAll(async () => {
    server = await startNatsServer();
    tap = await tapServer(server.url, { except: /\.mallory\./ });
    api = await openNatsConnection({ servers: [server.url], name: 'api' });
    alice = await openNatsConnection({ servers: [server.url], inboxPrefix: '_INBOX_alice' });
    parts = new Parts();
    app = await openApi(parts);
    const { gateway, log } = parts;
    const { clock, entropy, metrics } = parts.dependencies({}, {});
    edge = openNatsEdge({ messages: openCallerMessages(api, log), gateway, queries: app.get(QueryBus), clock, entropy, metrics, log, settings: API_DEFAULTS, workers: new Set(['py']) });
    await api.connection.flush();
  });

  afterAll(async () => {
    await edge.stop(1_000);
    await tap.close();
    await Promise.all([api.close(), alice.close(), app.close()]);
    await server.dispose();
  });

  beforeEach(() => {
    parts.gateway.sent.length = 0;
    parts.gateway.answer = () => ({ kind: 'ok', position: '7', result: { executionId: 'x' } });
  });

  const ask = async (subject: string, body: unknown, fields: Readonly<Record<string, string>> = { commandId: 'one' }): Promise<Record<string, unknown>> => {
    const answer = await alice.connection.request(subject, JSON.stringify(body), { timeout: 10_000, headers: headersOf(fields) });
    return answer.json<Record<string, unknown>>();
  };

  it('carries a command to the gateway under the name of its subject', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const answer = await ask('mc.in.alice.execution.start', START, { commandId: 'start-1', traceparent });
    const commandId = clientCommandId('default', 'user:alice', 'nats', 'start-1');
    expect(answer).toEqual({ ok: true, commandId, position: '7', result: { executionId: 'x' } });
    expect(parts.gateway.sent).toEqual([expect.objectContaining({ command: START, commandId, actor: 'user:alice', tenant: 'default', causationId: null, traceparent })]);
  });

  it('says of a worker that it is a runner, and passes its token on', async () => {
    const worker = await openNatsConnection({ servers: [server.url], inboxPrefix: '_INBOX_py' });
    const body = { type: 'execution.start-task.v1', payload: { executionId: '01920000-0000-7000-8000-0000000000f1', taskId: 'a', attempt: 1, runner: 'py', leaseId: null, startedAt: '2026-01-01T00:00:00.000Z' } };
    await worker.connection.request('mc.in.py.execution.start-task', JSON.stringify(body), { timeout: 10_000, headers: headersOf({ commandId: 'r', 'Mc-Token': 'c'.repeat(64) }) });
    expect(parts.gateway.sent).toEqual([expect.objectContaining({ actor: 'role:runner', workToken: 'c'.repeat(64) })]);
    await worker.close();
  });

  it.each([
    ['a header that names the actor', 'mc.in.alice.execution.start', START, { commandId: 'x', 'Mc-Actor': 'user:bob' }, 'REQUEST_INVALID'],
    ['no command id', 'mc.in.alice.execution.start', START, {}, 'IDEMPOTENCY_KEY_INVALID'],
    ['another type than the subject', 'mc.in.alice.execution.cancel', START, { commandId: 'x' }, 'COMMAND_INVALID'],
    ['a question that does not fit', 'mc.in.alice.query.command', { commandId: 7 }, {}, 'REQUEST_INVALID'],
    ['a run that is not there', 'mc.in.alice.query.execution', { executionId: '01920000-0000-7000-8000-00000000dead', after: null, waitMs: 0 }, {}, 'EXECUTION_NOT_FOUND'],
    ['a command that nobody knows', 'mc.in.alice.query.command', { commandId: 'never' }, {}, 'COMMAND_NOT_FOUND'],
  ])('%s is refused by a problem document', async (_, subject, body, fields: Readonly<Record<string, string>>, code) => {
    // wrong on purpose, so the tap must not see them as faults of the conductor's own
    const answer = await mallory(subject.replace('.alice.', '.mallory.'), body, fields);
    expect(answer).toMatchObject({ code, type: `https://companyos/internal/maestro/errors/${code}` });
    expect(parts.gateway.sent).toEqual([]);
  });

  async function mallory(subject: string, body: unknown, fields: Readonly<Record<string, string>>): Promise<unknown> {
    const link = await openNatsConnection({ servers: [server.url], inboxPrefix: '_INBOX_mallory' });
    const answer = await link.connection.request(subject, JSON.stringify(body), { timeout: 10_000, headers: headersOf(fields) });
    await link.close();
    return answer.json();
  }

  it.each([
    ['the inbox of somebody else', '_INBOX_bob.x'],
    ['a subject of the api', 'mc.cmd.0.execution.start'],
    ['an inbox that only begins alike', '_INBOX_alice2.x'],
    ['none', undefined],
  ])('a reply subject that is %s is not answered, and nothing is carried out', async (_, reply) => {
    const refused = (): number => parts.counted.filter(({ labels }) => labels['code'] === 'REPLY_REFUSED').length;
    const before = refused();
    const got: string[] = [];
    if (reply !== undefined) alice.connection.subscribe(reply, { max: 1, callback: () => void got.push(reply) });
    alice.connection.publish('mc.in.alice.execution.start', JSON.stringify(START), { headers: headersOf({ commandId: 'x' }), ...(reply === undefined ? {} : { reply }) });
    // answered after it, by the same subscription, so the one before was looked at
    await ask('mc.in.alice.execution.start', START, { commandId: 'after' });
    expect(refused()).toBe(before + 1);
    expect(got).toEqual([]);
    expect(parts.gateway.sent).toHaveLength(1);
  });

  it('removes a durable command only after it was answered, and hands it out again until then', async () => {
    let tries = 0;
    const seen = new Promise<void>((resolve) => {
      parts.gateway.answer = () => {
        tries += 1;
        if (tries === 1) return { kind: 'refused', rejection: { code: 'CONFLICT_RETRIES_EXHAUSTED', detail: 'too many' } };
        resolve();
        return { kind: 'ok', position: '8', result: {} };
      };
    });
    expect(await publishDurable(alice, 'mc.intake.alice.execution.start', JSON.stringify(START), { commandId: 'later', 'Nats-Msg-Id': 'later.1' })).toBe('MC_INTAKE');
    await seen;
    expect(parts.gateway.sent.map(({ commandId }) => commandId)).toEqual([1, 2].map(() => clientCommandId('default', 'user:alice', 'nats', 'later')));
  });

  it('publishes nothing that contracts/asyncapi.yaml does not say', () => {
    expect(tap.problems).toEqual([]);
    expect(tap.seen.get('command')).toBeGreaterThan(3);
    expect(tap.seen.get('command/answer')).toBeGreaterThan(3);
    expect(tap.seen.get('intake')).toBeGreaterThan(0);
  });
});
