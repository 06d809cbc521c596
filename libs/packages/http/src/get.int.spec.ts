import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Json, JsonObject } from '@maestro/domain';
import type { PackageContext } from '@maestro/worker';
import { defineGet } from './get.ts';
import type { ResolveAll } from './guarded-agent.ts';
import { guardedLookup } from './guarded-agent.ts';

const toLoopback: ResolveAll = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
const mixed: ResolveAll = (_host, _options, done) =>
  done(null, [
    { address: '93.184.216.34', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]);

let server: Server;
let other: Server;
let origin: string;
let otherOrigin: string;
const seen: { path: string; authorization: string | undefined }[] = [];

const answer: RequestListener = (request, response) => {
  const path = request.url ?? '';
  seen.push({ path, authorization: request.headers.authorization });
  const to = new URL(path, 'http://x').searchParams.get('to');
  if (path.startsWith('/redirect')) return void response.writeHead(302, { location: to ?? '' }).end();
  if (path.startsWith('/status/')) return void response.writeHead(Number(path.slice(8))).end('no');
  if (path === '/json')
    return void response
      .writeHead(200, { 'content-type': 'application/json', etag: '"1"', 'set-cookie': 'a=b' })
      .end('{"a":[1,2]}');
  if (path === '/big') return void response.end('x'.repeat(5000));
  if (path === '/bomb')
    return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5_000_000)));
  if (path === '/binary') return void response.end(Buffer.from([0xff, 0xfe]));
  if (path === '/endless') return void response.writeHead(200).write('begin');
  if (path === '/silent') return;
  if (path === '/broken') return void request.socket.destroy();
  response.end('hello');
};

const listen = async (listener: RequestListener): Promise<Server> => {
  const made = createServer(listener);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return made;
};
const originOf = (s: Server): string => `http://127.0.0.1:${(s.address() as AddressInfo).port}`;

beforeAll(async () => {
  [server, other] = await Promise.all([listen(answer), listen(answer)]);
  [origin, otherOrigin] = [originOf(server), originOf(other)];
});
afterAll(async () => {
  for (const each of [server, other]) {
    each.closeAllConnections();
    await new Promise((resolve) => each.close(resolve));
  }
});
beforeEach(() => {
  seen.length = 0;
});

const get = async (
  input: JsonObject,
  o: { settings?: JsonObject; resolveAll?: ResolveAll; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<Json> => {
  const context: PackageContext = {
    executionId: 'e',
    taskId: 't',
    attempt: 1,
    idempotencyKey: 'k',
    conductorUrl: null,
    timeoutMs: o.timeoutMs ?? 10_000,
    signal: o.signal ?? new AbortController().signal,
    log: () => undefined,
    settings: o.settings ?? { http: { allowOrigins: [{ origin }] } },
  };
  return defineGet(o.resolveAll).run(input, context);
};

describe('pkg:http/get', () => {
  it('gives status, some headers, the text, its digest and its size', async () => {
    expect(await get({ url: `${origin}/x` })).toEqual({
      status: 200,
      headers: {},
      body: 'hello',
      digest: 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      sizeBytes: 5,
    });
  });

  it('parses JSON when asked, and never gives back cookies', async () => {
    expect(await get({ url: `${origin}/json`, as: 'json' })).toMatchObject({
      body: { a: [1, 2] },
      headers: { 'content-type': 'application/json', etag: '"1"' },
    });
    expect(JSON.stringify(await get({ url: `${origin}/json` }))).not.toContain('a=b');
  });

  it.each([
    ['/status/404', {}, 'HTTP_STATUS', false],
    ['/status/503', {}, 'HTTP_STATUS', true],
    ['/status/429', {}, 'HTTP_STATUS', true],
    ['/x', { expectStatus: [204] }, 'HTTP_STATUS', false],
    ['/big', { maxBytes: 4999 }, 'HTTP_TOO_LARGE', false],
    ['/bomb', { maxBytes: 100_000 }, 'HTTP_TOO_LARGE', false],
    ['/x', { as: 'json' }, 'HTTP_BODY_INVALID', false],
    ['/binary', {}, 'HTTP_BODY_INVALID', false],
    ['/broken', {}, 'HTTP_CONNECT', true],
    ['/redirect?to=/redirect?to=/', { headers: { Host: 'evil' } }, 'HTTP_HEADER_FORBIDDEN', false],
  ])('%s with %j fails with %s, retryable: %s', async (path, more, code, retryable) => {
    await expect(get({ url: `${origin}${path}`, ...more })).rejects.toMatchObject({ name: 'TaskError', code, retryable });
  });

  it('accepts a status that was expected', async () => {
    expect(await get({ url: `${origin}/status/404`, expectStatus: [404, 410] })).toMatchObject({ status: 404, body: 'no' });
  });

  it.each(['/silent', '/endless'])('ends %s with HTTP_TIMEOUT before the attempt itself is ended', async (path) => {
    await expect(get({ url: `${origin}${path}` }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
      retryable: true,
    });
  });

  it('stops when the attempt is cancelled, with the reason of the signal', async () => {
    const controller = new AbortController();
    const getting = get({ url: `${origin}/silent` }, { signal: controller.signal });
    controller.abort(new Error('cancelled by test'));
    await expect(getting).rejects.toThrow('cancelled by test');
  });

  it('tells a refused connection as retryable', async () => {
    const gone = await listen(answer);
    const address = originOf(gone);
    await new Promise((resolve) => gone.close(resolve));
    const settings = { http: { allowOrigins: [{ origin: address }] } };
    await expect(get({ url: address }, { settings })).rejects.toMatchObject({ code: 'HTTP_CONNECT', retryable: true });
  });
});

describe('redirects of pkg:http/get', () => {
  it('are followed within an allowed origin', async () => {
    expect(await get({ url: `${origin}/redirect?to=/x` })).toMatchObject({ status: 200, body: 'hello' });
  });

  it('are at most five', async () => {
    const chain = (n: number): string => (n === 0 ? '/x' : `/redirect?to=${encodeURIComponent(chain(n - 1))}`);
    expect(await get({ url: `${origin}${chain(5)}` })).toMatchObject({ body: 'hello' });
    await expect(get({ url: `${origin}${chain(6)}` })).rejects.toMatchObject({ code: 'HTTP_REDIRECTS' });
  });

  it('keep the headers of the caller away from another origin', async () => {
    const settings = { http: { allowOrigins: [{ origin }, { origin: otherOrigin }] } };
    await get({ url: `${origin}/redirect?to=${otherOrigin}/x`, headers: { authorization: 'Bearer s3cret' } }, { settings });
    expect(seen.map((s) => s.authorization)).toEqual(['Bearer s3cret', undefined]);
  });

  it('are judged anew: out of the allowed prefix, to loopback, to the metadata address, to another scheme', async () => {
    const settings = { http: { allowOrigins: [{ origin, pathPrefix: '/redirect' }] } };
    for (const to of [
      '/secret',
      `${otherOrigin}/x`,
      'http://169.254.169.254/latest/meta-data',
      'http://[::1]/',
      'file:///etc/passwd',
      'http://u:p@example.com/',
    ]) {
      await expect(get({ url: `${origin}/redirect?to=${encodeURIComponent(to)}` }, { settings })).rejects.toMatchObject({
        code: 'HTTP_TARGET_FORBIDDEN',
      });
    }
    expect(seen.every((s) => s.path.startsWith('/redirect'))).toBe(true);
  });
});

describe('targets of pkg:http/get', () => {
  const port = (): string => new URL(origin).port;
  it.each([
    ['http://169.254.169.254/latest/meta-data/'],
    ['http://127.0.0.1:PORT/x'],
    ['http://2130706433:PORT/x'],
    ['http://0x7f.1:PORT/x'],
    ['http://0177.0.0.1:PORT/x'],
    ['http://127.1:PORT/x'],
    ['http://0.0.0.0:PORT/x'],
    ['http://[::1]:PORT/x'],
    ['http://[::]:PORT/x'],
    ['http://[::ffff:127.0.0.1]:PORT/x'],
    ['http://[::ffff:7f00:1]:PORT/x'],
    ['http://[64:ff9b::7f00:1]:PORT/x'],
    ['http://10.0.0.1/'],
    ['http://localhost:PORT/x'],
    ['file:///etc/passwd'],
    ['ftp://127.0.0.1/'],
    ['http://user:pass@127.0.0.1:PORT/x'],
  ])('%s is refused without a request', async (template) => {
    const url = template.replace('PORT', port());
    await expect(get({ url }, { settings: {} })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN', retryable: false });
    expect(seen).toEqual([]);
  });

  it('a name is refused by what it resolves to at dial time, even if only one address is private', async () => {
    for (const resolveAll of [toLoopback, mixed]) {
      const url = `http://looks-public.example:${port()}/x`;
      await expect(get({ url }, { settings: {}, resolveAll })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN' });
    }
    expect(seen).toEqual([]);
  });

  it('a name that does not resolve is a retryable failure', async () => {
    const fails: ResolveAll = (_host, _options, done) => done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    await expect(get({ url: 'http://nowhere.example/' }, { resolveAll: fails })).rejects.toMatchObject({
      code: 'HTTP_CONNECT',
      retryable: true,
    });
  });

  it('text that is no URL is refused', async () => {
    await expect(get({ url: 'not a url' })).rejects.toMatchObject({ code: 'HTTP_URL_INVALID' });
  });
});

describe('guardedLookup', () => {
  const publicOnly: ResolveAll = (_host, _options, done) => done(null, [{ address: '93.184.216.34', family: 4 }]);

  it('passes public addresses on, in the form that was asked for', () => {
    const answers: unknown[][] = [];
    guardedLookup(publicOnly)('example.com', { all: true }, (...args) => answers.push(args));
    guardedLookup(publicOnly)('example.com', {}, (...args) => answers.push(args));
    expect(answers).toEqual([
      [null, [{ address: '93.184.216.34', family: 4 }]],
      [null, '93.184.216.34', 4],
    ]);
  });

  it('refuses a name without addresses', () => {
    const answers: unknown[][] = [];
    guardedLookup((_h, _o, done) => done(null, []))('example.com', {}, (...args) => answers.push(args));
    expect(answers).toMatchObject([[{ code: 'MAESTRO_ADDRESS_FORBIDDEN' }, []]]);
  });
});
