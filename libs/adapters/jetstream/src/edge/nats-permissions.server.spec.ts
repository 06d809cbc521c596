import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, nkeys } from '@nats-io/transport-node';
import { newEvents, newStream } from '@maestro/conformance';
import { partitionOf } from '@maestro/ports';
import type { Clock, CommandEnvelope, Consumption, Work } from '@maestro/ports';
import { startSecuredServer, type SecuredServer } from '../../fixtures/secured-server.ts';
import { NatsCommandGateway } from '../commands/nats-command-gateway.ts';
import { serveCommands } from '../commands/serve-commands.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { JetStreamWakeUps } from '../delays/jetstream-wake-ups.ts';
import type { JetStreamEventStore } from '../event-store/jetstream-event-store.ts';
import { openJetStreamEventStore } from '../event-store/open-event-store.ts';
import { reportsBySystemAccount } from '../event-store/sync-proof.ts';
import { followAnnouncements } from '../packages/announcements.ts';
import { JetStreamWorkQueue } from '../work-queue/jetstream-work-queue.ts';
import { openCallerMessages } from './caller-messages.ts';

const quiet = { log: (): void => {} };
const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1_000,
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};
const CLASSES = ['default', 'small', 'medium', 'large', 'py'];
const PARTITIONS = 2;
const RUN = '01920000-0000-7000-8000-0000000000f1';
const COMMAND = { type: 'execution.cancel.v1', payload: { executionId: RUN, reason: null, comment: '' } } as const;
const ENVELOPE: CommandEnvelope = { command: COMMAND, commandId: 'a'.repeat(64), tenant: 'default', actor: 'user:alice', correlationId: 'c', causationId: null };
const REPORT = { type: 'execution.start-task.v1', payload: { executionId: RUN, taskId: 'a', attempt: 1, runner: 'r', leaseId: null, startedAt: '2026-01-01T00:00:00.000Z' } } as const;
const workOf = (intentId: string, workClass: string): Work => ({ kind: 'task', intentId, workClass, executionId: `execution-${RUN}`, payload: {} });

let server: SecuredServer;
const links = new Map<string, NatsLink>();
const linkOf = (user: string): NatsLink => {
  const link = links.get(user);
  if (link === undefined) throw new Error(`no link of ${user}`);
  return link;
};
const stops: Consumption[] = [];
let gateway: NatsCommandGateway;
let queue: JetStreamWorkQueue;
let sent: CommandEnvelope[] = [];

beforeAll(async () => {
  server = await startSecuredServer({ prefix: 'mc', callers: ['alice', 'bob'], workers: ['py'], classes: ['small', 'medium', 'large'], eventsInNats: true });
  for (const user of ['api', 'command', 'policy', 'runner', 'projector', 'receipt', 'alice', 'bob', 'py', 'operator']) links.set(user, await server.as(user));
  const command = linkOf('command');
  queue = await JetStreamWorkQueue.open({ link: command, clock, provisions: true, classes: CLASSES });
  const own = { send: async (envelope: CommandEnvelope) => (sent.push(envelope), { kind: 'ok', position: '7', result: {} } as const) };
  for (let partition = 0; partition < PARTITIONS; partition++) stops.push(serveCommands(command, { partition, partitions: PARTITIONS, gateway: own, log: quiet }));
  gateway = new NatsCommandGateway(linkOf('api'), { partitions: PARTITIONS, streamOf: () => `execution-${RUN}` });
  const answer = Buffer.from('{"ok":true}');
  const messages = openCallerMessages(linkOf('api'), quiet);
  // as the edge of the api role does: an answer goes to the sender's inbox only
  stops.push(messages.serve(async ({ address, replyTo }) => (replyTo?.startsWith(`_INBOX_${address.split('.')[0]}.`) === true ? answer : null), () => null, { inFlightMax: 8 }));
  stops.push(messages.takeIn(async () => (await gateway.send(ENVELOPE), { kind: 'done' }), { inFlightMax: 8 }));
  await linkOf('api').connection.flush();
  const { streams } = await jetstreamManager(linkOf('operator').connection);
  for (let tries = 0; (await streams.info('MC_INTAKE').catch(() => undefined)) === undefined; tries++) {
    if (tries > 200) throw new Error('the intake was not made');
    await delay(25);
  }
});
afterAll(async () => {
  await Promise.all(stops.map((each) => each.stop(1_000)));
  gateway.close();
  await queue.close();
  await server.dispose();
});
beforeEach(() => {
  sent = [];
});

describe('what each user needs', () => {
  it('a caller: its commands, its questions, its intake', async () => {
    const { connection } = linkOf('alice');
    expect((await connection.request('mc.in.alice.execution.cancel', '{}', { timeout: 5_000 })).json()).toEqual({ ok: true });
    const acknowledged = await jetstream(connection).publish('mc.intake.alice.execution.cancel', '{}');
    expect(acknowledged.stream).toBe('MC_INTAKE');
  });

  it('the api role: commands to the owner of a partition', async () => {
    expect(await gateway.send(ENVELOPE)).toMatchObject({ kind: 'ok', position: '7' });
    expect(sent).toContainEqual(ENVELOPE);
  });

  it('a runner: work of its classes, and reports', async () => {
    const link = linkOf('runner');
    const own = await JetStreamWorkQueue.open({ link, clock, provisions: false, classes: CLASSES });
    const taken = new Promise<string>((resolve) => stops.push(own.consume('task', async ({ work }) => (resolve(work.intentId), { kind: 'ack' }), { classes: ['small', 'medium', 'large'], concurrencyMax: 2 })));
    await queue.publish([workOf('i1', 'large')]);
    expect(await taken).toBe('i1');
    const reports = new NatsCommandGateway(link, { partitions: PARTITIONS, streamOf: () => `execution-${RUN}` });
    expect(await reports.send({ ...ENVELOPE, command: REPORT, actor: 'role:runner' })).toMatchObject({ kind: 'ok' });
    reports.close();
  });

  it('the policy role: checks', async () => {
    const own = await JetStreamWorkQueue.open({ link: linkOf('policy'), clock, provisions: false, classes: CLASSES });
    const taken = new Promise<string>((resolve) => stops.push(own.consume('policy', async ({ work }) => (resolve(work.intentId), { kind: 'ack' }), { classes: ['default'], concurrencyMax: 2 })));
    await queue.publish([{ ...workOf('i2', 'default'), kind: 'policy' }]);
    expect(await taken).toBe('i2');
  });

  it('the command role: revokes, depths, what was parked, wake-ups', async () => {
    await queue.publish([workOf('i3', 'py')]);
    expect((await queue.depth('task', 'py')).waiting).toBe(1);
    await queue.revoke(['i3']);
    expect((await queue.depth('task', 'py')).waiting).toBe(0);
    expect(await queue.parked()).toEqual([]);
    const wakeUps = await JetStreamWakeUps.open(linkOf('command'));
    const woken = new Promise<string>((resolve) => stops.push(wakeUps.follow('lane', async (key) => resolve(key))));
    await wakeUps.set({ lane: 'lane', key: 'later', dueAt: new Date(Date.now() + 3_600_000).toISOString() });
    await wakeUps.cancel({ lane: 'lane', key: 'later' });
    await wakeUps.set({ lane: 'lane', key: 'now', dueAt: new Date().toISOString() });
    expect(await woken).toBe('now');
  });

  it.each(['api', 'command'])('the %s role reads what a worker announced, who takes work of its own class', async (role) => {
    const key = `$KV.mc-packages.py.upper.1_0_${role.length}`;
    let found: (key: string) => void = () => {};
    const announced = new Promise<string>((resolve) => (found = resolve));
    const following = await followAnnouncements(linkOf(role), { announce: (each) => (each.endsWith(String(role.length)) && found(each), null) }, quiet);
    await jetstream(linkOf('py').connection).publish(key, '{}');
    expect(await announced).toBe(key.slice('$KV.mc-packages.'.length));
    await following.stop();
    const work = `w-${role}`;
    await queue.publish([workOf(work, 'py')]);
    const own = await JetStreamWorkQueue.open({ link: linkOf('py'), clock, provisions: false, classes: CLASSES });
    const taken = new Promise<string>((resolve) => void own.consume('task', async (leased) => (resolve(leased.work.intentId), { kind: 'ack' }), { classes: ['py'], concurrencyMax: 1 }));
    expect(await taken).toBe(work);
    await own.close();
  });
});

describe('who keeps history in NATS', () => {
  const opened: JetStreamEventStore[] = [];
  const open = async (role: string): Promise<JetStreamEventStore> => {
    const store = await openJetStreamEventStore({ link: linkOf(role), syncReporter: reportsBySystemAccount(await server.as('system')) });
    opened.push(store);
    return store;
  };
  afterAll(async () => void (await Promise.all(opened.map((store) => store.close()))));

  it('the command role makes it and appends runs, having proved that each write is synced', async () => {
    const store = await open('command');
    expect(store.durability.kind).toBe('synced');
    expect(await store.append(newStream('execution'), 'none', newEvents(1))).toMatchObject({ kind: 'appended' });
    expect(await store.append(newStream('workflow'), 'none', newEvents(1))).toMatchObject({ kind: 'appended' });
  });

  it('the receipt role appends receipts only', async () => {
    const store = await open('receipt');
    expect(await store.append(newStream('receipt'), 'none', newEvents(1))).toMatchObject({ kind: 'appended' });
    await expect(store.append(newStream('execution'), 'none', newEvents(1))).rejects.toMatchObject({ name: 'Fault' });
  });

  it.each(['api', 'projector', 'receipt'])('the %s role reads it, page by page and as it comes', async (role) => {
    const store = await open(role);
    const { events } = await store.readAll({ after: null, limit: 100 });
    expect(events.length).toBeGreaterThanOrEqual(3);
    const stream = newStream('execution');
    const abort = new AbortController();
    const seen = (async () => {
      for await (const item of store.subscribe({ after: await store.head(), signal: abort.signal })) if (item.kind === 'event' && item.event.stream === stream) return item.event.stream;
      return undefined;
    })();
    await opened[0]?.append(stream, 'none', newEvents(1));
    expect(await seen).toBe(stream);
    abort.abort();
  });
});

/** Publishes that each user must not be able to make. */
const FORBIDDEN: readonly (readonly [user: string, what: string, subject: string])[] = [
  ['alice', 'forges the actor', 'mc.in.bob.execution.cancel'],
  ['alice', 'forges the actor of an intake', 'mc.intake.bob.execution.cancel'],
  ['alice', 'goes past the api role', 'mc.cmd.0.execution.cancel'],
  ['alice', 'hands out work', 'mc.work.task.small.x'],
  ['alice', 'revokes work', 'mc.ctl.small'],
  ['alice', 'writes history', `mc.ev.execution.${RUN}`],
  ['alice', 'answers for the api role', '_INBOX_bob.x'],
  ['alice', 'announces a package', '$KV.mc-packages.alice.upper.1_0_0'],
  ['alice', 'deletes the intake', '$JS.API.STREAM.DELETE.MC_INTAKE'],
  ['alice', 'empties the intake', '$JS.API.STREAM.PURGE.MC_INTAKE'],
  ['alice', 'reads the intake', '$JS.API.STREAM.MSG.GET.MC_INTAKE'],
  ['alice', 'reads history', '$JS.API.DIRECT.GET.MC_EV'],
  ['alice', 'takes from the intake', '$JS.API.CONSUMER.MSG.NEXT.MC_INTAKE.intake'],
  ['alice', 'makes a consumer', '$JS.API.CONSUMER.CREATE.MC_INTAKE.own'],
  ['alice', 'makes a stream', '$JS.API.STREAM.CREATE.OWN'],
  ['alice', 'lists streams', '$JS.API.STREAM.NAMES'],
  ['py', 'takes work of a foreign class', '$JS.API.CONSUMER.MSG.NEXT.MC_WORK.w-task-small'],
  ['py', 'acknowledges work of a foreign class', '$JS.ACK.MC_WORK.w-task-small.1.1.1.1.0'],
  ['py', 'takes checks', '$JS.API.CONSUMER.MSG.NEXT.MC_WORK.w-policy-default'],
  ['py', 'makes a consumer of its own', '$JS.API.CONSUMER.CREATE.MC_WORK.own'],
  ['py', 'reads work', '$JS.API.STREAM.MSG.GET.MC_WORK'],
  ['py', 'announces for a foreign group', '$KV.mc-packages.core.echo.9_0_0'],
  ['py', 'starts a run', 'mc.in.py.execution.start'],
  ['py', 'reports as somebody else', 'mc.in.alice.execution.report-task'],
  ['py', 'reports past the api role', 'mc.cmd.0.execution.report-task'],
  ['py', 'empties the bucket', '$JS.API.STREAM.PURGE.KV_mc-packages'],
  ['runner', 'starts a run', 'mc.cmd.0.execution.start'],
  ['runner', 'decides for policy', 'mc.cmd.0.execution.record-policy-decision'],
  ['runner', 'takes checks', '$JS.API.CONSUMER.MSG.NEXT.MC_WORK.w-policy-default'],
  ['runner', 'takes work of a worker', '$JS.API.CONSUMER.MSG.NEXT.MC_WORK.w-task-py'],
  ['runner', 'hands out work', 'mc.work.task.small.x'],
  ['runner', 'deletes work', '$JS.API.STREAM.DELETE.MC_WORK'],
  ['runner', 'reads history', '$JS.API.STREAM.MSG.GET.MC_EV'],
  ['policy', 'reports for a runner', 'mc.cmd.0.execution.report-task'],
  ['policy', 'takes tasks', '$JS.API.CONSUMER.MSG.NEXT.MC_WORK.w-task-small'],
  ['api', 'decides for policy', 'mc.cmd.0.workflow.record-policy-decision'],
  ['api', 'fires a timer', 'mc.cmd.0.execution.fire-timer'],
  ['api', 'hands out work', 'mc.work.task.small.x'],
  ['api', 'writes history', `mc.ev.execution.${RUN}`],
  ['api', 'answers below an inbox of no caller', '_INBOX_mallory.x'],
  ['api', 'deletes the intake', '$JS.API.STREAM.DELETE.MC_INTAKE'],
  ['command', 'sends a command as a caller', 'mc.in.alice.execution.cancel'],
  ['command', 'deletes the commands', '$JS.API.STREAM.DELETE.MC_CMD'],
  ['command', 'deletes history', '$JS.API.STREAM.DELETE.MC_EV'],
  ['command', 'removes one event', '$JS.API.STREAM.MSG.DELETE.MC_EV'],
  ['command', 'empties work', '$JS.API.STREAM.PURGE.MC_WORK'],
  ['command', 'changes how history is kept', '$JS.API.STREAM.UPDATE.MC_EV'],
  ['command', 'writes receipts', `mc.ev.receipt.${RUN}`],
  ['projector', 'writes history', `mc.ev.execution.${RUN}`],
  ['projector', 'sends a command', 'mc.cmd.0.execution.start'],
  ['receipt', 'writes the history of a run', `mc.ev.execution.${RUN}`],
  ['receipt', 'takes work', '$JS.API.CONSUMER.MSG.NEXT.MC_WORK.w-task-small'],
];

/** Subjects that a user must not hear. */
const UNHEARD: readonly (readonly [user: string, subject: string])[] = [
  ['alice', '_INBOX_bob.>'],
  ['alice', '_INBOX_api.>'],
  ['alice', 'mc.in.>'],
  ['alice', 'mc.in.alice.>'],
  ['alice', 'mc.cmd.>'],
  ['alice', 'mc.work.>'],
  ['alice', 'mc.ctl.small'],
  ['alice', 'mc.head'],
  ['alice', '$KV.mc-packages.>'],
  ['alice', '$JS.EVENT.>'],
  ['alice', '>'],
  ['py', '_INBOX_alice.>'],
  ['py', 'mc.work.task.py.*'],
  ['py', 'mc.ctl.large'],
  ['runner', 'mc.in.>'],
  ['runner', '_INBOX_policy.>'],
  ['policy', 'mc.ctl.small'],
  ['api', 'mc.cmd.>'],
  ['api', '_INBOX_alice.>'],
  ['command', 'mc.in.>'],
  ['projector', 'mc.ev.>'],
];

describe('what nobody may', () => {
  it.each(FORBIDDEN)('%s %s: %s', async (user, _, subject) => {
    const refused = await linkOf(user).connection.request(subject, '{}', { timeout: 5_000 }).then(
      () => 'it was let through',
      (error: { cause?: { name?: string } }) => error.cause?.name,
    );
    expect(refused).toBe('PermissionViolationError');
  });

  it.each(UNHEARD)('%s does not hear %s', async (user, subject) => {
    const refused = await new Promise<string | undefined>((resolve) => {
      linkOf(user).connection.subscribe(subject, { callback: (error) => resolve(error?.name ?? 'it was let through') });
      void linkOf(user).connection.flush().then(() => setTimeout(() => resolve(undefined), 2_000).unref());
    });
    expect(refused).toBe('PermissionViolationError');
  });

  it.each(['mc.work.task.small.forged', '$JS.API.STREAM.PURGE.MC_DELAY', 'mc.ctl.small', '_INBOX_bob'])('a runner cannot make the command role publish to %s by asking for its answer there', async (target) => {
    const heard: string[] = [];
    const { connection: operator } = linkOf('operator');
    const subscription = operator.subscribe(target, { callback: (_, { subject }) => void heard.push(subject) });
    await operator.flush();
    const given = headers();
    for (const [name, value] of [['commandId', createHash('sha256').update(target).digest('hex')], ['Mc-Actor', 'role:runner'], ['Mc-Reply-To', target]] as const) given.set(name, value);
    const partition = partitionOf(`execution-${RUN}`, PARTITIONS);
    const { connection } = linkOf('runner');
    await jetstream(connection).publish(`mc.cmd.${partition}.execution.start-task`, JSON.stringify(REPORT), { headers: given });
    // answered after it by the same owner, in the same order
    await gateway.send({ ...ENVELOPE, commandId: createHash('sha256').update(`after ${target}`).digest('hex') });
    await operator.flush();
    expect(heard).toEqual([]);
    subscription.unsubscribe();
  });

  it.each(['_INBOX_bob.x', 'mc.cmd.0.execution.cancel'])('a caller gets no answer published to %s', async (reply) => {
    const heard: string[] = [];
    const { connection: operator } = linkOf('operator');
    const subscription = operator.subscribe(reply, { callback: (_, { subject }) => void heard.push(subject) });
    await operator.flush();
    linkOf('alice').connection.publish('mc.in.alice.execution.cancel', '{}', { reply });
    await linkOf('alice').connection.request('mc.in.alice.execution.cancel', '{}', { timeout: 5_000 });
    await operator.flush();
    expect(heard).toEqual([]);
    subscription.unsubscribe();
  });
});

describe('who gets in', () => {
  const caFile = (): { readonly tls: { readonly caFile: string } } => ({ tls: { caFile: server.caFile } });
  const seedOf = (pair: { getSeed(): Uint8Array }): string => new TextDecoder().decode(pair.getSeed());

  it('nobody without a key, or with one that is not known', async () => {
    await expect(openNatsConnection({ servers: [server.url], ...caFile() })).rejects.toMatchObject({ code: 'NATS_DENIED' });
    await expect(openNatsConnection({ servers: [server.url], ...caFile(), nkeySeed: seedOf(nkeys.createUser()) })).rejects.toMatchObject({ code: 'NATS_DENIED' });
  });

  it('nobody whom the certificate of the server does not convince', async () => {
    await expect(openNatsConnection({ servers: [server.url], nkeySeed: readFileSync(server.seedOf('operator'), 'utf8'), tls: {} })).rejects.toMatchObject({ code: 'NATS_DENIED' });
  });
});
