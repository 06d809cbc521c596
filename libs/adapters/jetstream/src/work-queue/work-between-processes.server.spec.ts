import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { isFault } from '@maestro/ports';
import type { Leased, Settlement, Work } from '@maestro/ports';
import { realClock } from '../../fixtures/manual-clock.ts';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { JetStreamWorkQueue, type JetStreamWorkQueueOptions } from './jetstream-work-queue.ts';

const work = (intentId: string, more: Partial<Work> = {}): Work => ({ kind: 'task', intentId, workClass: 'small', executionId: 'execution-1', payload: { intentId }, ...more });
const ack: Settlement = { kind: 'ack' };

/** What a consumer was handed, in order; `next` waits for one more. */
class Taken {
  readonly all: Leased[] = [];
  readonly signals: AbortSignal[] = [];
  #wake: () => void = () => {};
  readonly #answer: (leased: Leased) => Settlement | Promise<Settlement>;

  constructor(answer: (leased: Leased) => Settlement | Promise<Settlement> = () => ack) {
    this.#answer = answer;
  }

  readonly handle = async (leased: Leased, signal: AbortSignal): Promise<Settlement> => {
    this.all.push(leased);
    this.signals.push(signal);
    this.#wake();
    return this.#answer(leased);
  };

  async count(wanted: number): Promise<readonly string[]> {
    while (this.all.length < wanted) await new Promise<void>((wake) => (this.#wake = wake));
    return this.all.map(({ work: { intentId }, delivery }) => `${intentId}/${delivery}`);
  }
}

describe('work between processes', () => {
  let server: NatsServer;
  let deployments = 0;
  let prefix = '';
  const links: NatsLink[] = [];
  const queues: JetStreamWorkQueue[] = [];
  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());
  beforeEach(() => void (prefix = `w${(deployments += 1)}`));
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    await Promise.all(links.splice(0).map((link) => link.close()));
  });

  /** As one process has it: on a connection of its own. */
  async function open(o: Partial<JetStreamWorkQueueOptions> = {}): Promise<JetStreamWorkQueue> {
    const link = await openNatsConnection({ servers: [server.url], prefix });
    links.push(link);
    const queue = await JetStreamWorkQueue.open({ link, clock: realClock, provisions: true, watchEveryMs: 100, ...o });
    queues.push(queue);
    return queue;
  }
  const streams = async () => (await jetstreamManager((links[0] as NatsLink).connection)).streams;
  const lostBy = (queue: JetStreamWorkQueue): Promise<void> => new Promise((resolve) => void queue.onLost(resolve));

  it('carries token and trace beside its body', async () => {
    const queue = await open();
    const taken = new Taken();
    (await open({ provisions: false })).consume('task', taken.handle, { concurrencyMax: 1, classes: ['small'] });
    const whole = work('a.b c', { token: 'ab'.repeat(32), traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` });
    await queue.publish([whole]);
    await taken.count(1);
    expect(taken.all[0]?.work).toEqual(whole);
  });

  it('is taken once, though two publish it', async () => {
    const [one, two] = [await open(), await open()];
    await Promise.all([one, two, one].map((queue) => queue.publish([work('a'), work('b')])));
    expect(await one.depth('task')).toEqual({ waiting: 2, leased: 0 });
  });

  it('of a process that is gone comes to another, as the next delivery', async () => {
    const queue = await open({ silenceMaxMs: 1_000 });
    const gone = new Taken(() => new Promise(() => {}));
    const dying = await open({ provisions: false, silenceMaxMs: 1_000 });
    dying.consume('task', gone.handle, { concurrencyMax: 1, classes: ['small'] });
    await queue.publish([work('a')]);
    await gone.count(1);
    await links[1]?.close();
    const taken = new Taken();
    (await open({ provisions: false })).consume('task', taken.handle, { concurrencyMax: 1, classes: ['small'] });
    expect(await taken.count(1)).toEqual(['a/2']);
  });

  it('is left to a handler that takes longer than the server would wait for a silent one', async () => {
    const queue = await open({ silenceMaxMs: 1_000 });
    const taken = new Taken(async () => (await delay(3_000), ack));
    queue.consume('task', taken.handle, { concurrencyMax: 4, classes: ['small'] });
    await queue.publish([work('a')]);
    await taken.count(1);
    await queue.publish([work('b')]);
    await delay(3_500);
    expect(await taken.count(2)).toEqual(['a/1', 'b/1']);
  });

  it('that one rejects is known by name to all, and comes again once its name is taken out', async () => {
    const [publisher, runner] = [await open(), await open({ provisions: false })];
    const taken = new Taken(({ work: { intentId }, delivery }) => (intentId === 'poison' && delivery === 1 && taken.all.length === 1 ? { kind: 'reject', reason: 'no good' } : ack));
    runner.consume('task', taken.handle, { concurrencyMax: 1, classes: ['small'] });
    await publisher.publish([work('poison')]);
    while ((await publisher.parked()).length === 0) await delay(20);
    expect(await publisher.parked()).toEqual([expect.objectContaining({ intentId: 'poison', kind: 'task', executionId: 'execution-1', reason: 'no good' })]);
    await publisher.publish([work('poison'), work('b')]);
    expect(await taken.count(2)).toEqual(['poison/1', 'b/1']);
    await (await streams()).purge(`${prefix.toUpperCase()}_PARKED`, { filter: `${prefix}.parked.poison` });
    await publisher.publish([work('poison')]);
    expect(await taken.count(3)).toEqual(['poison/1', 'b/1', 'poison/1']);
  });

  it('that is none is parked by the name of its subject, and its neighbours come', async () => {
    const queue = await open();
    const taken = new Taken();
    links[0]?.connection.publish(`${prefix}.work.task.small.broken`, 'not json');
    links[0]?.connection.publish(`${prefix}.work.task.small.empty`, '{}');
    await queue.publish([work('a')]);
    queue.consume('task', taken.handle, { concurrencyMax: 1, classes: ['small'] });
    expect(await taken.count(1)).toEqual(['a/1']);
    while ((await queue.parked()).length < 2) await delay(20);
    expect((await queue.parked()).map(({ intentId }) => intentId).sort()).toEqual(['broken', 'empty']);
  });

  it('is revoked in the hand of another process', async () => {
    const [publisher, runner] = [await open(), await open({ provisions: false })];
    const taken = new Taken(() => new Promise(() => {}));
    runner.consume('task', taken.handle, { concurrencyMax: 1, classes: ['small'] });
    await publisher.publish([work('a'), work('b')]);
    await taken.count(1);
    const aborted = new Promise((resolve) => taken.signals[0]?.addEventListener('abort', resolve));
    links[0]?.connection.publish(`${prefix}.ctl.small`, 'nonsense');
    await publisher.revoke(['a']);
    await aborted;
    expect(taken.signals).toHaveLength(1);
  });

  it('is published again by whoever hears that its stream was deleted, and goes on in the same hands', async () => {
    const [publisher, runner] = [await open(), await open({ provisions: false })];
    const taken = new Taken();
    runner.consume('task', taken.handle, { concurrencyMax: 2 });
    await publisher.publish([work('a')]);
    await taken.count(1);
    const lost = lostBy(publisher);
    await (await streams()).delete(`${prefix.toUpperCase()}_WORK`);
    await lost;
    await publisher.publish([work('b')]);
    expect(await taken.count(2)).toEqual(['a/1', 'b/1']);
  });

  it('waits for its streams: a runner may start first', async () => {
    const taken = new Taken();
    (await open({ provisions: false })).consume('task', taken.handle, { concurrencyMax: 1, classes: ['small'] });
    await (await open()).publish([work('a')]);
    expect(await taken.count(1)).toEqual(['a/1']);
  });

  it('is gone with a server that is killed, and whoever published it hears so', async () => {
    const queue = await open();
    const taken = new Taken();
    await queue.publish([work('a')]);
    const lost = lostBy(queue);
    await server.restart();
    await lost;
    expect(await queue.depth('task')).toEqual({ waiting: 0, leased: 0 });
    queue.consume('task', taken.handle, { concurrencyMax: 1 });
    await queue.publish([work('a')]);
    expect(await taken.count(1)).toEqual(['a/1']);
  });

  it('is published through a restart of the server', async () => {
    const queue = await open();
    await server.kill();
    const published = queue.publish([work('a')]);
    await server.restart();
    await published;
    const taken = new Taken();
    queue.consume('task', taken.handle, { concurrencyMax: 1 });
    expect(await taken.count(1)).toEqual(['a/1']);
  });

  it('of a class that nobody serves, or too large for a message, is refused at once', async () => {
    const queue = await open();
    await expect(queue.publish([work('a', { workClass: 'huge' })])).rejects.toThrow(/"huge" is no class of task work/);
    await expect(queue.publish([work('a', { kind: 'policy' })])).rejects.toThrow(/"small" is no class of policy work/);
    const fault = await queue.publish([work('a', { payload: 'x'.repeat(3_000_000) })]).catch((error: unknown) => error);
    expect(isFault(fault, 'WORK_TOO_LARGE')).toBe(true);
  });

  it('is refused where the stream has no room for it, and nothing that waits is lost', async () => {
    const queue = await open({ bytesMax: 100_000 });
    await queue.publish([work('a', { payload: 'x'.repeat(60_000) })]);
    const fault = await queue.publish([work('b', { payload: 'x'.repeat(60_000) })]).catch((error: unknown) => error);
    expect(isFault(fault, 'QUEUE_FULL') && fault.retryable).toBe(true);
    expect(await queue.depth('task')).toEqual({ waiting: 1, leased: 0 });
  });

  it('of two deployments on one server never meets', async () => {
    const here = await open();
    prefix = `${prefix}x`;
    const there = await open();
    await here.publish([work('a')]);
    expect([(await here.depth('task')).waiting, (await there.depth('task')).waiting]).toEqual([1, 0]);
  });

  it('ends no process by its connection being closed under it', async () => {
    const child = spawn(process.execPath, ['--conditions=source', '--no-warnings', `${import.meta.dirname}/../../fixtures/closed-link.ts`, server.url, prefix], { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  it('of three busy classes keeps every slot, and only those, and is not thought lost', async () => {
    const queue = await open({ watchEveryMs: 1 });
    let losses = 0;
    queue.onLost(() => void (losses += 1));
    let [now, most, done] = [0, 0, 0];
    let all: () => void = () => {};
    const finished = new Promise<void>((resolve) => (all = resolve));
    queue.consume('task', async () => {
      now += 1;
      most = Math.max(most, now);
      await delay(5);
      now -= 1;
      done += 1;
      if (done === 150) all();
      return ack;
    }, { concurrencyMax: 8, classes: ['small', 'medium', 'large'] });
    const works = ['small', 'medium', 'large'].flatMap((workClass) => Array.from({ length: 50 }, (_, i) => work(`${workClass}-${i}`, { workClass })));
    await Promise.all(works.map((one) => queue.publish([one])));
    await finished;
    expect([most, losses]).toEqual([8, 0]);
  });
});
