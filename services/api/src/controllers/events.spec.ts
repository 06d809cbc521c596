import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parseStreamName } from '@maestro/domain';
import type { Json, StreamName } from '@maestro/domain';
import { canonicalBytes, eventHash } from '@maestro/receipt';
import { LiveTails } from '../edge/live-tails.ts';
import { Parts, openApi } from '../../fixtures/api.ts';
import { OTHER_RUN, RUN, RUN_EVENTS, append, taskScheduled } from '../../fixtures/histories.ts';

const STREAM = `execution-${RUN}`;
const TAIL = { accept: 'text/event-stream' };

let parts: Parts;
let app: NestFastifyApplication;
let address: string;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts, { liveTailsMax: 2, heartbeatMs: 20 });
  await app.listen(0, '127.0.0.1');
  address = (await app.getUrl()).replace('[::1]', '127.0.0.1');
});

afterEach(() => app.close());

/** The events of a tail until it ends: `id`, `event` and `data` of each. */
async function readTail(response: Response): Promise<{ id: string; event: string; data: string }[]> {
  const text = await response.text();
  return text.split('\n\n').flatMap((block) => {
    const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? [];
    return id === undefined || event === undefined || data === undefined ? [] : [{ id, event, data }];
  });
}

async function storedTexts(): Promise<string[]> {
  const page = await parts.store.readStream(parseStreamName(STREAM) as StreamName, { direction: 'forward', limit: 100 });
  return page.kind === 'page' ? page.events.map(({ bytes }) => new TextDecoder().decode(bytes)) : [];
}

describe('GET /api/executions/{id}/events', () => {
  it('answers pages whose events hash to what they say', async () => {
    await append(parts.store, STREAM, RUN_EVENTS);
    type Page = { items: { hash: string; event: { revision: number } & { [key: string]: Json } }[]; next: number | null };
    const first = (await app.inject({ url: `/api/executions/${RUN}/events?limit=5` })).json<Page>();
    const second = (await app.inject({ url: `/api/executions/${RUN}/events?limit=5&from=${first.next}` })).json<Page>();

    expect([...first.items, ...second.items].map(({ event }) => event.revision)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(second.next).toBeNull();
    for (const { hash, event } of first.items) expect(eventHash(canonicalBytes(event))).toBe(hash);
  });

  it('answers the stored bytes, a line each, by Accept', async () => {
    await append(parts.store, STREAM, RUN_EVENTS);
    const answer = await app.inject({ url: `/api/executions/${RUN}/events?from=3`, headers: { accept: 'application/x-ndjson' } });

    expect([answer.statusCode, answer.headers['content-type'], answer.headers['vary']]).toEqual([200, 'application/x-ndjson', 'Accept']);
    expect(answer.body).toBe((await storedTexts()).slice(3).map((text) => `${text}\n`).join(''));
  });

  it('answers lines of more than one page, and none behind the end', async () => {
    const many = Array.from({ length: 450 }, (_, i) => taskScheduled(`t${i}`));
    await append(parts.store, STREAM, RUN_EVENTS.slice(0, 4));
    for (let i = 0; i < many.length; i += 150) await append(parts.store, STREAM, many.slice(i, i + 150));
    const lines = (from: number) => app.inject({ url: `/api/executions/${RUN}/events?from=${from}`, headers: { accept: 'application/x-ndjson' } });

    expect((await lines(0)).body.split('\n')).toHaveLength(455);
    expect([(await lines(454)).statusCode, (await lines(454)).body]).toEqual([200, '']);
  });

  it('refuses an Accept that none of its forms fits', async () => {
    await append(parts.store, STREAM, RUN_EVENTS);
    const answer = await app.inject({ url: `/api/executions/${RUN}/events`, headers: { accept: 'text/html' } });

    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([406, 'NOT_ACCEPTABLE']);
  });

  it('tails the stored bytes live and ends after the terminal event', async () => {
    await append(parts.store, STREAM, RUN_EVENTS.slice(0, 4));
    const response = await fetch(`${address}/api/executions/${RUN}/events`, { headers: TAIL });
    await append(parts.store, `execution-${OTHER_RUN}`, RUN_EVENTS.slice(0, 1));
    await append(parts.store, STREAM, RUN_EVENTS.slice(4));
    const events = await readTail(response);

    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(events.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    expect(events.map(({ event }) => event)).toEqual(RUN_EVENTS.map(({ type }) => type));
    expect(events.map(({ data }) => data)).toEqual(await storedTexts());
    expect(app.get(LiveTails).openCount).toBe(0);
  });

  it('goes on after Last-Event-ID', async () => {
    await append(parts.store, STREAM, RUN_EVENTS);
    const response = await fetch(`${address}/api/executions/${RUN}/events`, { headers: { ...TAIL, 'last-event-id': '6' } });

    expect((await readTail(response)).map(({ id }) => id)).toEqual(['7', '8']);
  });

  it('tells a client that has seen the end to stay away', async () => {
    await append(parts.store, STREAM, RUN_EVENTS);
    const response = await fetch(`${address}/api/executions/${RUN}/events`, { headers: { ...TAIL, 'last-event-id': '8' } });

    expect(response.status).toBe(204);
  });

  it('sends a comment while nothing happens, and ends its subscription when the client leaves', async () => {
    await append(parts.store, STREAM, RUN_EVENTS.slice(0, 1));
    const leave = new AbortController();
    const response = await fetch(`${address}/api/executions/${RUN}/events`, { headers: TAIL, signal: leave.signal });
    const reader = response.body?.getReader();
    let text = '';
    while (!text.includes(': alive')) text += new TextDecoder().decode((await reader?.read())?.value);
    leave.abort();
    await settled(() => app.get(LiveTails).openCount === 0);

    expect(app.get(LiveTails).openCount).toBe(0);
  });

  it('refuses one tail too many, and an id that is none', async () => {
    await append(parts.store, STREAM, RUN_EVENTS.slice(0, 1));
    const leave = new AbortController();
    const open = () => fetch(`${address}/api/executions/${RUN}/events`, { headers: TAIL, signal: leave.signal });
    const held = [await open(), await open()];
    const third = await open();

    expect(held.map(({ status }) => status)).toEqual([200, 200]);
    expect([third.status, third.headers.get('retry-after'), ((await third.json()) as { code: string }).code]).toEqual([503, '1', 'TOO_MANY_TAILS']);
    const wrong = await fetch(`${address}/api/executions/${RUN}/events`, { headers: { ...TAIL, 'last-event-id': 'x' } });
    expect(wrong.status).toBe(400);
    leave.abort();
  });

  it('ends every tail when the server stops', async () => {
    await append(parts.store, STREAM, RUN_EVENTS.slice(0, 2));
    const response = await fetch(`${address}/api/executions/${RUN}/events`, { headers: TAIL });
    const events = readTail(response);
    await app.close();

    expect((await events).map(({ id }) => id)).toEqual(['0', '1']);
  });

  it('knows no other run', async () => {
    expect((await app.inject({ url: `/api/executions/${OTHER_RUN}/events` })).statusCode).toBe(404);
    for (const accept of [TAIL.accept, 'application/x-ndjson']) expect((await app.inject({ url: `/api/executions/${OTHER_RUN}/events`, headers: { accept } })).statusCode).toBe(404);
  });
});

/** Lets the event loop turn until a condition holds; the runner's own time limit is the bound. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
