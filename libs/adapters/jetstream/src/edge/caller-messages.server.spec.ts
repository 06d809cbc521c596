import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { CallerMessage, Consumption } from '@maestro/ports';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { openCallerMessages } from './caller-messages.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const silent = (): null => null;

describe('messages of callers on a real server', () => {
  let server: NatsServer;
  let link: NatsLink;
  let other: NatsLink;
  let deployments = 0;
  const lines: string[] = [];
  const log = { log: (_level: string, message: string): void => void lines.push(message) };
  const consumptions: Consumption[] = [];
  const kept = (consumption: Consumption): Consumption => (consumptions.push(consumption), consumption);
  const ask = async (from: NatsLink, text = '{}'): Promise<string> => (await from.connection.request(from.names.subject('in', 'alice', 'a', 'b'), text, { timeout: 5_000 })).string();

  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());
  beforeEach(async () => {
    const prefix = `e${(deployments += 1)}`;
    [link, other] = await Promise.all([openNatsConnection({ servers: [server.url], prefix }), openNatsConnection({ servers: [server.url], prefix })]);
  });
  afterEach(async () => {
    await Promise.all(consumptions.splice(0).map((each) => each.stop(1_000)));
    await Promise.all([link.close(), other.close()]);
  });

  it('reach one of the instances that serve, and the others when it stops', async () => {
    const first = kept(openCallerMessages(link, log).serve(async () => bytes('1'), silent, { inFlightMax: 256 }));
    kept(openCallerMessages(other, log).serve(async () => bytes('2'), silent, { inFlightMax: 256 }));
    await Promise.all([link.connection.flush(), other.connection.flush()]);
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(link)));
    expect([answers.length, [...new Set(answers)].sort()]).toEqual([100, ['1', '2']]);
    await first.stop(1_000);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => ask(link))))).toEqual(new Set(['2']));
  });

  it('over the bound are refused at once, and what is in hand is finished before a stop', async () => {
    let finish: (() => void) | undefined;
    const begun = new Promise<void>((resolve) => {
      const handler = (): Promise<Uint8Array> => new Promise((answer) => ((finish = () => answer(bytes('done'))), resolve()));
      kept(openCallerMessages(link, log).serve(handler, () => bytes('full'), { inFlightMax: 1 }));
    });
    await link.connection.flush();
    const slow = ask(other);
    await begun;
    expect(await ask(other)).toBe('full');
    const stopped = consumptions[0]?.stop(5_000);
    finish?.();
    await stopped;
    expect(await slow).toBe('done');
  });

  it('say what came: address, headers, reply subject, bytes', async () => {
    let seen: CallerMessage | undefined;
    kept(openCallerMessages(link, log).serve(async (message) => ((seen = message), bytes('')), silent, { inFlightMax: 8 }));
    await link.connection.flush();
    await ask(other, 'text');
    expect([seen?.address, seen?.replyTo?.startsWith('_INBOX.'), [...(seen?.headers ?? [])], Buffer.from(seen?.body ?? []).toString()]).toEqual(['alice.a.b', true, [], 'text']);
  });

  it('that meet a bug are not answered, and the next ones are', async () => {
    let calls = 0;
    const handler = async (): Promise<Uint8Array> => {
      calls += 1;
      if (calls === 1) throw new TypeError('planted');
      return bytes('fine');
    };
    kept(openCallerMessages(link, log).serve(handler, silent, { inFlightMax: 8 }));
    await link.connection.flush();
    other.connection.publish(other.names.subject('in', 'alice', 'a', 'b'), '{}', { reply: '_INBOX.x' });
    expect(await ask(other)).toBe('fine');
    expect(lines).toContain('a request over NATS met a bug and was not answered');
  });

  it('that are durable outlive the server, and go to another instance when one stops with them in hand', async () => {
    const subject = link.names.subject('intake', 'alice', 'a', 'b');
    let held: (() => void) | undefined;
    const holding = new Promise<void>((resolve) => (held = resolve));
    const first = kept(openCallerMessages(link, log, { silenceMaxMs: 1_000 }).takeIn(() => (held?.(), new Promise(() => {})), { inFlightMax: 8 }));
    while (await jetstream(other.connection).publish(subject, 'kept').then(() => false, () => true));
    await holding;
    void first.stop(0);
    // whoever held it is gone: the server hears nothing more of it
    await link.close();
    await server.restart();
    await other.watch.up(AbortSignal.timeout(30_000));
    const taken = new Promise<string>((resolve) => {
      kept(openCallerMessages(other, log, { silenceMaxMs: 1_000 }).takeIn(async ({ body, replyTo, address }) => (resolve(`${address} ${replyTo} ${Buffer.from(body).toString()}`), { kind: 'done' }), { inFlightMax: 8 }));
    });
    expect(await taken).toBe('alice.a.b null kept');
  });

  it('that are durable come again after a bug, and are taken in though their stream was deleted', async () => {
    const subject = link.names.subject('intake', 'alice', 'a', 'b');
    const seen: string[] = [];
    let wake: () => void = () => {};
    kept(openCallerMessages(link, log).takeIn(async ({ body }) => {
      seen.push(Buffer.from(body).toString());
      wake();
      if (seen.length === 1) throw new TypeError('planted');
      return { kind: 'done' };
    }, { inFlightMax: 8 }));
    const untilSeen = async (count: number): Promise<void> => {
      while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    while (await jetstream(other.connection).publish(subject, 'first').then(() => false, () => true));
    await untilSeen(2);
    expect(seen).toEqual(['first', 'first']);
    const { streams } = await jetstreamManager(other.connection);
    await streams.delete(other.names.stream('INTAKE'));
    while (await jetstream(other.connection).publish(subject, 'second').then(() => false, () => true));
    await untilSeen(3);
    expect(seen.at(-1)).toBe('second');
  });
});
