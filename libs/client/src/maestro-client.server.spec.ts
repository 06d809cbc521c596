import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeys } from '@nats-io/transport-node';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer, tapServer } from '../fixtures/nats.ts';
import type { NatsServer, Wiretap } from '../fixtures/nats.ts';
import { connectClient } from './connect-client.ts';
import type { ClientCommand, MaestroClient } from './maestro-client.ts';

const RUN = '01920000-0000-7000-8000-0000000000f1';
const ACCEPTED = { ok: true, commandId: 'a'.repeat(64), position: '7', result: { executionId: RUN } };
const START: ClientCommand = { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'greeting', version: null, inputs: {}, rollout: null, region: null } };
const problem = (code: string, status: number): object => ({ type: `https://companyos/internal/maestro/errors/${code}`, title: code, status, code, detail: 'as played', instance: 'urn:uuid:1' });
const event = (revision: number, type: string): object => ({ hash: 'b'.repeat(64), event: { revision, type, at: '2026-01-01T00:00:00.000Z' } });
const progress = (verdict: string | null, revision: number, events: readonly object[], more = false): object => ({ executionId: RUN, status: verdict ?? 'running', verdict, revision, position: '9', events, more });

describe('the client on a real server', () => {
  let server: NatsServer;
  let api: NatsConnection;
  let client: MaestroClient;
  let tap: Wiretap;
  let asked: Msg[] = [];
  /** what the played api role says to the next request; the last one repeats. null: nothing */
  let answers: (object | null)[] = [];

  beforeAll(async () => {
    server = await startNatsServer();
    tap = await tapServer(server.url);
    api = await connect({ servers: server.url });
    const { streams } = await jetstreamManager(api);
    await streams.add({ name: 'MC_INTAKE', subjects: ['mc.intake.>'] });
    api.subscribe('mc.in.>', {
      callback: (_, message) => {
        asked.push(message);
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer) message.respond(JSON.stringify(answer));
      },
    });
    client = await connectClient({ servers: server.url, user: 'alice' });
  });
  afterAll(async () => {
    await client.close();
    await tap.close();
    await api.close();
    await server.dispose();
  });
  beforeEach(() => {
    asked = [];
    answers = [ACCEPTED];
  });
  const idsOf = (messages: readonly Msg[]): string[] => messages.map(({ headers }) => headers?.get('commandId') ?? '');

  it('sends a command below its own name, and answers what was made', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect(await client.send(START, { commandId: 'one', traceparent })).toEqual(ACCEPTED);
    expect(asked.map(({ subject, reply }) => [subject, reply?.startsWith('_INBOX_alice.')])).toEqual([['mc.in.alice.execution.start', true]]);
    expect([idsOf(asked), asked[0]?.headers?.get('traceparent')]).toEqual([['one'], traceparent]);
  });

  it('sends again what may pass, under the same id', async () => {
    answers = [problem('QUEUE_FULL', 503), problem('STORE_READ_ONLY', 503), ACCEPTED];
    await client.send(START);
    expect([asked.length, new Set(idsOf(asked)).size]).toEqual([3, 1]);
  });

  it('throws what was refused for good, with its document', async () => {
    answers = [problem('WORKFLOW_NOT_FOUND', 404)];
    await expect(client.send(START)).rejects.toMatchObject({ name: 'RefusedError', code: 'WORKFLOW_NOT_FOUND', problem: { status: 404 } });
    expect(asked).toHaveLength(1);
  });

  it('gives up in time, and names the id to send it again under', async () => {
    answers = [null];
    await expect(client.send(START, { commandId: 'lost', withinMs: 300 })).rejects.toMatchObject({ name: 'UnansweredError', commandId: 'lost' });
    answers = [problem('QUEUE_FULL', 503)];
    await expect(client.send(START, { withinMs: 300 })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  });

  it('hands a command in: it is on disk when it is answered', async () => {
    const { commandId } = await client.intake(START);
    const { streams } = await jetstreamManager(api);
    const stored = await streams.getMessage('MC_INTAKE', { last_by_subj: 'mc.intake.alice.execution.start' });
    expect(stored?.header.get('commandId')).toBe(commandId);
    expect(stored?.header.get('Nats-Msg-Id')).toBe(`${commandId}.1`);
  });

  it('tells what became of a command, and null where nobody knows', async () => {
    answers = [problem('COMMAND_NOT_FOUND', 404)];
    expect(await client.outcome('one')).toBeNull();
    const outcome = { commandId: 'a'.repeat(64), type: 'execution.start.v1', state: 'accepted', at: '2026-01-01T00:00:00.000Z', position: '7', result: {}, outcome: null, rejection: null };
    answers = [outcome];
    expect(await client.outcome('one')).toEqual(outcome);
    expect(asked.map((message) => message.json())).toEqual([{ commandId: 'one' }, { commandId: 'one' }]);
    answers = [problem('REQUEST_INVALID', 400)];
    await expect(client.outcome('one')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('follows a run to its end, each event once', async () => {
    answers = [progress(null, 1, [event(0, 'execution.requested.v1')], true), progress(null, 1, [event(1, 'execution.started.v1')]), progress(null, 1, []), progress('succeeded', 3, [event(2, 'x.y.v1')], true), progress('succeeded', 3, [event(3, 'execution.completed.v1')])];
    const seen: unknown[] = [];
    const following = client.follow(RUN);
    let step = await following.next();
    for (; step.done !== true; step = await following.next()) seen.push(step.value.event['revision']);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(step.value).toMatchObject({ verdict: 'succeeded' });
    expect(asked.map((message) => message.json<{ after: number | null }>().after)).toEqual([null, 0, 1, 1, 2]);
  });

  it('ends following at once when the signal fires', async () => {
    answers = [null];
    const abort = new AbortController();
    const next = client.follow(RUN, { after: 4, signal: abort.signal }).next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('sends through a restart of the server', async () => {
    await server.kill();
    const sent = client.send(START, { commandId: 'through' });
    await server.restart();
    expect(await sent).toEqual(ACCEPTED);
  });

  it('publishes nothing that contracts/asyncapi.yaml does not say', () => {
    expect(tap.problems).toEqual([]);
    expect([tap.seen.get('command'), tap.seen.get('command/answer'), tap.seen.get('queryExecution'), tap.seen.get('queryExecution/answer')].map((count) => (count ?? 0) > 2)).toEqual([true, true, true, true]);
  });
});

describe('the client and who it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-client-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('shows its nkey, and says at once what NATS does not let it send', async () => {
    const user = nkeys.createUser();
    const seedFile = join(folder, 'alice.nk');
    writeFileSync(seedFile, new TextDecoder().decode(user.getSeed()), { mode: 0o600 });
    const permissions = '{ publish: ["mc.in.alice.query.>"], subscribe: ["_INBOX_alice.>"] }';
    const server = await startNatsServer({ configText: `authorization { users: [{ nkey: ${user.getPublicKey()}, permissions: ${permissions} }] }` });
    const client = await connectClient({ servers: [server.url], user: 'alice', nkeySeedFile: seedFile });
    await expect(client.send(START)).rejects.toThrow(/[Pp]ermission/);
    await client.close();
    await expect(connectClient({ servers: server.url, user: 'alice' })).rejects.toMatchObject({ name: 'AuthorizationError' });
    await server.dispose();
  });

  it('has a name that is one token of a subject', async () => {
    await expect(connectClient({ servers: '127.0.0.1:1', user: 'a.b' })).rejects.toThrow(RangeError);
  });
});
