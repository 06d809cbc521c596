import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, nkeys } from '@nats-io/transport-node';
import { reject } from '@maestro/domain';
import { Fault, isFault, partitionOf } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, Consumption } from '@maestro/ports';
import { realClock } from '../../fixtures/manual-clock.ts';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { JetStreamWorkQueue } from '../work-queue/jetstream-work-queue.ts';
import { NatsCommandGateway } from './nats-command-gateway.ts';
import { serveCommands } from './serve-commands.ts';

const PARTITIONS = 4;
const log = { log: (): void => {} };
const streamOf = ({ command }: CommandEnvelope): string => ('executionId' in command.payload ? `execution-${String(command.payload.executionId)}` : 'none');

function cancel(executionId: string, key = executionId): CommandEnvelope {
  const command = { type: 'execution.cancel.v1', payload: { executionId, reason: 'user', comment: '' } } as unknown as CommandEnvelope['command'];
  return { command, commandId: hash('sha256', key), tenant: 'default', actor: 'user:ada', correlationId: executionId, causationId: null };
}

/** What opens it, and what waits until it is open. */
function gate(): readonly [() => void, Promise<void>] {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return [open, opened];
}

type Handler = (envelope: CommandEnvelope) => Promise<CommandAnswer>;
const accepted: CommandAnswer = { kind: 'ok', position: '7', result: {} };

describe('commands over NATS', () => {
  let server: NatsServer;
  let link: NatsLink;
  let deployments = 0;
  const gateways: NatsCommandGateway[] = [];
  const owners: Consumption[] = [];
  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());
  beforeEach(async () => {
    if (server.pid() === undefined) await server.restart();
    link = await openNatsConnection({ servers: [server.url], prefix: `c${(deployments += 1)}` });
  });
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) gateway.close();
    await Promise.all(owners.splice(0).map((owner) => owner.stop(1_000)));
    await link.close();
  });

  function gateway(o: { resendAfterMs?: number; deadlineMs?: number } = {}): NatsCommandGateway {
    const made = new NatsCommandGateway(link, { partitions: PARTITIONS, streamOf, ...o });
    gateways.push(made);
    return made;
  }
  function serve(send: Handler): Consumption[] {
    const served = Array.from({ length: PARTITIONS }, (_, partition) => serveCommands(link, { partition, partitions: PARTITIONS, gateway: { send }, log }));
    owners.push(...served);
    return served;
  }

  it('reach the gateway whole, and their answers come back whole', async () => {
    const seen: CommandEnvelope[] = [];
    const rejection = reject('EXECUTION_NOT_FOUND', 'there is no run b', { errors: [{ pointer: '/x', code: 'SCHEMA', message: 'é' }], params: { a: 1 } });
    serve(async (envelope) => {
      seen.push(envelope);
      return envelope.correlationId === 'a' ? { kind: 'ok', position: '42', result: { executionId: 'a' } } : rejection;
    });
    const full = { ...cancel('a'), causationId: 'e1', workToken: 'ab', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
    expect(await gateway().send(full)).toEqual({ kind: 'ok', position: '42', result: { executionId: 'a' } });
    expect(await gateway().send(cancel('b'))).toEqual(rejection);
    expect(seen).toEqual([full, cancel('b')]);
  });

  it('bring faults of the store back as faults', async () => {
    serve(async () => {
      throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
    });
    const fault = await gateway().send(cancel('a')).catch((error: unknown) => error);
    expect(isFault(fault, 'STORE_READ_ONLY') && [fault.message, fault.retryable]).toEqual(['STORE_READ_ONLY: the disk is full', true]);
  });

  it('are decided once while they are in hand, however many tries arrive', async () => {
    let calls = 0;
    let answer: (() => void) | undefined;
    serve(() => {
      calls += 1;
      return new Promise((resolve) => (answer = () => resolve(accepted)));
    });
    const sent = gateway({ resendAfterMs: 50 }).send(cancel('a'));
    const { streams } = await jetstreamManager(link.connection);
    while ((await streams.info(link.names.stream('cmd')).catch(() => undefined))?.state.last_seq !== 4) await delay(20);
    answer?.();
    expect(await sent).toEqual(accepted);
    expect(calls).toBe(1);
  });

  it('sent a second time are delivered a second time', async () => {
    let calls = 0;
    serve(async () => {
      calls += 1;
      return accepted;
    });
    for (let i = 0; i < 3; i += 1) await gateway({ deadlineMs: 15_000 }).send(cancel('a'));
    expect(calls).toBe(3);
  });

  it('of another type than their subject says are refused, whoever sends them', async () => {
    let calls = 0;
    serve(async () => {
      calls += 1;
      return accepted;
    });
    await gateway().send(cancel('a'));
    const { connection, names } = link;
    const answered = new Promise<string>((resolve) => void connection.subscribe('_INBOX.forged', { callback: (_, message) => resolve(message.string()) }));
    const given = headers();
    given.set('commandId', hash('sha256', 'x'));
    given.set('Mc-Actor', 'user:root');
    given.set('Mc-Reply-To', '_INBOX.forged');
    connection.publish(names.subject('cmd', '0', 'execution', 'report-task'), JSON.stringify(cancel('a').command), { headers: given });
    expect(JSON.parse(await answered)).toMatchObject({ ok: false, rejection: { code: 'COMMAND_INVALID' } });
    expect(calls).toBe(1);
  });

  it('are told as unanswered where nobody serves, and say that sending again may help', async () => {
    const fault = await gateway({ deadlineMs: 300 }).send(cancel('a')).catch((error: unknown) => error);
    expect(isFault(fault, 'COMMAND_UNANSWERED') && fault.retryable).toBe(true);
  });

  it('larger than a message are refused before they are sent', async () => {
    const fault = await gateway().send(cancel('x'.repeat(3_000_000))).catch((error: unknown) => error);
    expect(isFault(fault, 'COMMAND_TOO_LARGE')).toBe(true);
  });

  it('that this user may not send are refused by name, at once', async () => {
    const user = nkeys.createUser();
    const permissions = '{ publish: { deny: ["mc.cmd.>", "$JS.API.CONSUMER.INFO.>"] } }';
    const guarded = await startNatsServer({ configText: `authorization { users: [{ nkey: ${user.getPublicKey()}, permissions: ${permissions} }] }` });
    const denied = await openNatsConnection({ servers: [guarded.url], nkeySeed: new TextDecoder().decode(user.getSeed()) });
    try {
      const sender = new NatsCommandGateway(denied, { partitions: PARTITIONS, streamOf });
      expect(isFault(await sender.send(cancel('a')).catch((error: unknown) => error), 'NATS_DENIED')).toBe(true);
      sender.close();
      const queue = await JetStreamWorkQueue.open({ link: denied, clock: realClock, provisions: false });
      expect(isFault(await queue.depth('task').catch((error: unknown) => error), 'NATS_DENIED')).toBe(true);
      await queue.close();
    } finally {
      await denied.close();
      await guarded.dispose();
    }
  });

  it('are answered though their stream is deleted under load', async () => {
    serve(async () => accepted);
    const sender = gateway();
    const { streams } = await jetstreamManager(link.connection);
    await sender.send(cancel('first'));
    const sent = Array.from({ length: 300 }, (_, i) => sender.send(cancel(`run-${i}`)));
    for (let i = 0; i < 3; i += 1) {
      await delay(30);
      // it may not be there again yet
      while (!(await streams.delete(link.names.stream('cmd')).catch(() => false))) await delay(10);
    }
    expect((await Promise.all(sent)).every((answer) => answer.kind === 'ok')).toBe(true);
  });

  it('are answered though their stream went unseen: nobody asked for more, and a listener to everything hid that it is gone', async () => {
    const handsFull = 1_024;
    const [open, opened] = gate();
    let inHand = 0;
    serve(async () => {
      inHand += 1;
      await opened;
      return accepted;
    });
    link.connection.subscribe('>', { callback: () => undefined });
    const sender = gateway();
    const sent = Array.from({ length: handsFull }, (_, i) => sender.send(cancel('one', `key-${i}`)));
    while (inHand < handsFull) await delay(10);
    const { streams } = await jetstreamManager(link.connection);
    await streams.delete(link.names.stream('cmd'));
    open();
    expect((await Promise.all(sent)).every((answer) => answer.kind === 'ok')).toBe(true);
    expect(await sender.send(cancel('one', 'after'))).toEqual(accepted);
  });

  it('are answered though the server is killed under load', async () => {
    serve(async () => {
      await delay(5);
      return accepted;
    });
    const sender = gateway();
    const sent = Array.from({ length: 200 }, (_, i) => sender.send(cancel(`run-${i}`)));
    await sent[0];
    await server.restart();
    expect((await Promise.all(sent)).every((answer) => answer.kind === 'ok')).toBe(true);
  });

  it('of one partition go to one owner, and to the next as soon as that one stops', async () => {
    const first = serve(async () => ({ kind: 'ok', position: '', result: { owner: 1 } }));
    const sender = gateway();
    const ask = async (i: number): Promise<unknown> => {
      const answer = await sender.send(cancel(`run-${i}`));
      return answer.kind === 'ok' ? answer.result['owner'] : answer;
    };
    await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i)));
    serve(async () => ({ kind: 'ok', position: '', result: { owner: 2 } }));
    expect(new Set(await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i))))).toEqual(new Set([1]));
    await Promise.all(first.map((owner) => owner.stop(1_000)));
    expect(new Set(await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i))))).toEqual(new Set([2]));
  });

  it('are served by the consumers of another release, which are set as this one wants them', async () => {
    const { streams, consumers } = await jetstreamManager(link.connection);
    const stream = link.names.stream('cmd');
    await streams.add({ name: stream, subjects: [link.names.subject('cmd', '>')], storage: 'memory', retention: 'workqueue' });
    const older = { durable_name: 'p0', filter_subject: link.names.subject('cmd', '0', '>'), ack_policy: 'explicit', priority_policy: 'pinned_client', priority_timeout: 60_000_000_000 } as const;
    await consumers.add(stream, { ...older, priority_groups: ['owner'] });
    serve(async () => accepted);
    const sender = gateway();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => sender.send(cancel(`run-${i}`))));
    expect([answers.filter(({ kind }) => kind === 'ok').length, (await consumers.info(stream, 'p0')).config.priority_timeout]).toEqual([40, 2_000_000_000]);
  });

  it('survive the owner that is killed: another process takes its partitions', async () => {
    const processes: ChildProcess[] = [];
    const start = async (): Promise<ChildProcess> => {
      const owner = spawn(process.execPath, ['--conditions=source', '--no-warnings', `${import.meta.dirname}/../../fixtures/command-owner.ts`, server.url, link.names.prefix, String(PARTITIONS)], { stdio: ['ignore', 'pipe', 'inherit'] });
      processes.push(owner);
      await once(owner.stdout as NonNullable<typeof owner.stdout>, 'data');
      return owner;
    };
    try {
      const [first] = [await start(), await start()];
      const sender = gateway();
      const stallsMs: number[] = [];
      const ask = async (i: number): Promise<number> => {
        const startedMs = performance.now();
        const answer = await sender.send(cancel(`run-${i}`));
        stallsMs.push(performance.now() - startedMs);
        return Number(answer.kind === 'ok' ? answer.result['pid'] : 0);
      };
      await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i)));
      const sent = Array.from({ length: 200 }, (_, i) => delay(i * 20).then(() => ask(i)));
      await delay(500);
      first.kill('SIGKILL');
      const pids = await Promise.all(sent);
      expect(pids).not.toContain(0);
      expect(new Set(pids).size).toBe(2);
      process.stdout.write(`longest wait for an answer around kill -9 of the owner: ${Math.round(Math.max(...stallsMs))} ms\n`);
    } finally {
      for (const owner of processes) owner.kill('SIGKILL');
    }
  });

  it('spread over partitions by the name of their stream', () => {
    const used = new Set(Array.from({ length: 100 }, (_, i) => partitionOf(streamOf(cancel(`run-${i}`)), PARTITIONS)));
    expect([...used].sort()).toEqual([0, 1, 2, 3]);
  });
});
