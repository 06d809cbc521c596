import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json, JsonObject } from '@maestro/domain';
import type { PackageContext } from '@maestro/worker';
import type { ResolveAll } from './guarded-agent.ts';
import { defineRequest } from './request.ts';

type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string };
const SECRET = 'Bearer s3cret';

let server: Server;
let other: Server;
let origin: string;
let otherOrigin: string;
let log: string[] = [];
const seen: Seen[] = [];

/** `/status/<n>` answers it; `/to/<n>?to=<url>` redirects with it; `/broken` hangs up; `/silent` never answers. */
const listen = async (): Promise<Server> => {
  const made = createServer(async (request, response) => {
    const url = request.url ?? '';
    let body = '';
    for await (const chunk of request) body += String(chunk);
    seen.push({ method: request.method ?? '', url, headers: request.headers, body });
    const [, kind, number] = url.split(/[/?]/);
    if (kind === 'broken') return void request.socket.destroy();
    if (kind === 'silent') return;
    if (kind === 'to') return void response.writeHead(Number(number), { location: new URL(url, origin).searchParams.get('to') ?? '' }).end();
    if (kind === 'status') return void response.writeHead(Number(number)).end('no');
    if (kind === 'empty') return void response.writeHead(204).end();
    if (kind === 'big') return void response.end('x'.repeat(5_000));
    response.writeHead(200, { 'content-type': 'application/json', 'X-Mixed-Case': 'a', 'set-cookie': 'session=1', 'www-authenticate': 'Basic' }).end('{"a":[1]}');
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return made;
};
const originOf = (each: Server): string => `http://127.0.0.1:${(each.address() as AddressInfo).port}`;

beforeAll(async () => {
  [server, other] = await Promise.all([listen(), listen()]);
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
  log = [];
});

type Options = { readonly settings?: JsonObject; readonly resolveAll?: ResolveAll; readonly signal?: AbortSignal; readonly attempt?: number };
const request = async (input: JsonObject, o: Options = {}): Promise<Json> => {
  const context: PackageContext = {
    executionId: 'e',
    taskId: 't',
    attempt: o.attempt ?? 1,
    idempotencyKey: 'key-of-task',
    conductorUrl: null,
    timeoutMs: 10_000,
    signal: o.signal ?? new AbortController().signal,
    log: (text) => void log.push(text),
    settings: o.settings ?? { http: { allowOrigins: [{ origin }, { origin: otherOrigin }] } },
  };
  return defineRequest(o.resolveAll).run(input, context);
};

describe('what pkg:http/request sends', () => {
  it('is a body of JSON or text with its type, and a query', async () => {
    await request({ url: `${origin}/x?a=1`, method: 'POST', json: { ü: [null] }, query: { b: 'c d&e', list: [1, true] } });
    await request({ url: `${origin}/x`, method: 'PUT', text: 'plain' });
    await request({ url: `${origin}/x`, method: 'PATCH', text: '<a/>', headers: { 'Content-Type': 'application/xml' } });
    await request({ url: `${origin}/x`, method: 'DELETE' });
    expect(seen.map(({ method, url, headers, body }) => [method, url, headers['content-type'], body])).toEqual([
      ['POST', '/x?a=1&b=c+d%26e&list=1&list=true', 'application/json', '{"ü":[null]}'],
      ['PUT', '/x', 'text/plain; charset=utf-8', 'plain'],
      ['PATCH', '/x', 'application/xml', '<a/>'],
      ['DELETE', '/x', undefined, ''],
    ]);
  });

  it('carries the same Idempotency-Key at every attempt of a POST or PATCH, and none where the method says it already', async () => {
    for (const attempt of [1, 2]) await request({ url: `${origin}/x`, method: 'POST', json: 1 }, { attempt });
    await request({ url: `${origin}/x`, method: 'PATCH', json: 1, headers: { 'Idempotency-Key': 'own' } });
    for (const method of ['GET', 'PUT', 'DELETE']) await request({ url: `${origin}/x`, method });
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-of-task', 'key-of-task', 'own', undefined, undefined, undefined]);
  });

  it.each([
    ['Host', 'evil'],
    ['connection', 'close'],
    ['Content-Length', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['Expect', '100-continue'],
    ['Proxy-Authorization', 'Basic x'],
    ['Trailer', 'x'],
  ])('never holds the header %s of the caller', async (name, value) => {
    await expect(request({ url: `${origin}/x`, method: 'POST', json: 1, headers: { [name]: value } })).rejects.toMatchObject({
      code: 'HTTP_HEADER_FORBIDDEN',
      retryable: false,
    });
    expect(seen).toEqual([]);
  });

  it('never holds one header twice', async () => {
    await expect(request({ url: `${origin}/x`, headers: { a: '1', A: '2' } })).rejects.toMatchObject({ code: 'HTTP_HEADER_FORBIDDEN' });
  });

  it('has a body only where the method has one, and of at most 1 MiB', async () => {
    for (const method of ['GET', 'HEAD'])
      await expect(request({ url: `${origin}/x`, method, json: 1 })).rejects.toMatchObject({ code: 'HTTP_BODY_FORBIDDEN' });
    await expect(request({ url: `${origin}/x`, method: 'POST', text: 'x'.repeat(1_048_577) })).rejects.toMatchObject({ code: 'HTTP_BODY_FORBIDDEN' });
    await request({ url: `${origin}/x`, method: 'POST', text: 'x'.repeat(1_048_576) });
    expect(seen.map(({ body }) => body.length)).toEqual([1_048_576]);
  });
});

describe('what pkg:http/request gives back', () => {
  it('is status, headers in lower case without credentials, and the body', async () => {
    expect(await request({ url: `${origin}/x`, as: 'json' })).toMatchObject({ status: 200, headers: { 'content-type': 'application/json', 'x-mixed-case': 'a' }, body: { a: [1] } });
    const { headers } = (await request({ url: `${origin}/x` })) as { headers: object };
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['set-cookie']));
    expect(Object.keys(headers).filter((name) => /cookie|authenticate|connection/.test(name))).toEqual([]);
  });

  it('is null for JSON that did not come, and text for a HEAD', async () => {
    expect(await request({ url: `${origin}/empty`, method: 'DELETE', as: 'json' })).toMatchObject({ status: 204, body: null });
    expect(await request({ url: `${origin}/x`, method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('makes nothing public but the status', () => {
    const { properties } = defineRequest().outputSchema as { properties: { [name: string]: { 'x-public'?: boolean } } };
    expect(Object.keys(properties).filter((name) => properties[name]?.['x-public'] === true)).toEqual(['status']);
  });

  it('has no header, query or body of anyone in log and failure', async () => {
    const input = { method: 'POST', headers: { authorization: SECRET }, query: { token: SECRET }, json: { password: SECRET } };
    const failures = await Promise.all(['/x', '/status/500', '/broken'].map((path) => request({ url: `${origin}${path}`, ...input }).catch((error: Error) => error.message)));
    expect(log[0]).toBe(`POST ${origin}: 200, 9 bytes`);
    expect(failures.slice(1)).toEqual([expect.any(String), expect.any(String)]);
    expect(JSON.stringify([log, failures.slice(1)])).not.toMatch(/s3cret|token|password/);
  });
});

describe('a failure of pkg:http/request', () => {
  it.each([
    ['GET', '/status/500', {}, 'HTTP_STATUS', true],
    ['PUT', '/status/502', {}, 'HTTP_STATUS', true],
    ['DELETE', '/status/504', {}, 'HTTP_STATUS', true],
    ['GET', '/status/404', {}, 'HTTP_STATUS', false],
    ['PUT', '/status/409', {}, 'HTTP_STATUS', false],
    ['POST', '/status/429', {}, 'HTTP_STATUS', true],
    ['POST', '/status/503', {}, 'HTTP_STATUS', true],
    ['POST', '/status/500', {}, 'HTTP_STATUS', false],
    ['PATCH', '/status/504', {}, 'HTTP_STATUS', false],
    ['POST', '/status/500', { idempotent: true }, 'HTTP_STATUS', true],
    ['POST', '/status/422', { idempotent: true }, 'HTTP_STATUS', false],
    ['POST', '/status/200', { expectStatus: [201] }, 'HTTP_STATUS', false],
    ['GET', '/broken', {}, 'HTTP_CONNECT', true],
    ['POST', '/broken', {}, 'HTTP_CONNECT', false],
    ['POST', '/broken', { idempotent: true }, 'HTTP_CONNECT', true],
    ['GET', '/silent', { timeoutMs: 50 }, 'HTTP_TIMEOUT', true],
    ['POST', '/silent', { timeoutMs: 50 }, 'HTTP_TIMEOUT', false],
    ['GET', '/big', { maxBytes: 4_999 }, 'HTTP_TOO_LARGE', false],
    ['GET', '/big', { as: 'json' }, 'HTTP_BODY_INVALID', false],
  ])('%s %s with %j is %s, retryable: %s', async (method, path, more, code, retryable) => {
    await expect(request({ url: `${origin}${path}`, method, ...more })).rejects.toMatchObject({ name: 'TaskError', code, retryable });
  });

  it('is retryable for a POST that never left', async () => {
    const gone = await listen();
    const address = originOf(gone);
    await new Promise((resolve) => gone.close(resolve));
    const settings = { http: { allowOrigins: [{ origin: address }] } };
    await expect(request({ url: address, method: 'POST', json: 1 }, { settings })).rejects.toMatchObject({ code: 'HTTP_CONNECT', retryable: true });
  });

  it('is not retryable for a POST that was carried out and whose redirect leads nowhere', async () => {
    const gone = await listen();
    const address = originOf(gone);
    await new Promise((resolve) => gone.close(resolve));
    const settings = { http: { allowOrigins: [{ origin }, { origin: address }] } };
    await expect(request({ url: `${origin}/to/303?to=${address}`, method: 'POST', json: 1 }, { settings })).rejects.toMatchObject({ code: 'HTTP_CONNECT', retryable: false });
  });

  it('is the reason of the signal when the attempt is cancelled', async () => {
    const controller = new AbortController();
    const running = request({ url: `${origin}/silent`, method: 'POST', json: 1 }, { signal: controller.signal });
    controller.abort(new Error('cancelled by test'));
    await expect(running).rejects.toThrow('cancelled by test');
  });
});

describe('a redirect of pkg:http/request', () => {
  it.each([301, 302, 307, 308])('%d of a POST, PUT, PATCH or DELETE is never sent again', async (status) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      await expect(request({ url: `${origin}/to/${status}?to=/x`, method })).rejects.toMatchObject({ code: 'HTTP_REDIRECTS', retryable: false });
    expect(seen.every(({ url }) => url.startsWith('/to/'))).toBe(true);
  });

  it('303 of a POST is followed by a GET without body, type and key', async () => {
    await request({ url: `${origin}/to/303?to=/x`, method: 'POST', json: 1, headers: { authorization: SECRET } });
    expect(seen[1]).toMatchObject({ method: 'GET', url: '/x', body: '', headers: { authorization: SECRET } });
    expect(Object.keys(seen[1]?.headers ?? {}).filter((name) => /^(content-|idempotency)/.test(name))).toEqual([]);
  });

  it.each([['GET', 302], ['GET', 308], ['HEAD', 301], ['POST', 303]])('of a %s with %d drops what the caller set when the origin changes', async (method, status) => {
    await request({ url: `${origin}/to/${status}?to=${otherOrigin}/x`, method, headers: { authorization: SECRET, 'x-api-key': SECRET } });
    expect(seen).toHaveLength(2);
    expect(JSON.stringify(seen[1])).not.toContain('s3cret');
  });

  it('that was expected is given back and not followed', async () => {
    expect(await request({ url: `${origin}/to/302?to=/x`, expectStatus: [302] })).toMatchObject({ status: 302, headers: { location: '/x' } });
    expect(seen).toHaveLength(1);
  });

  it.each(['http://169.254.169.254/latest/meta-data', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://2130706433/', 'file:///etc/passwd', 'http://u:p@example.com/'])('to %s is refused', async (to) => {
    for (const [method, status] of [['GET', 302], ['POST', 303]] as const)
      await expect(request({ url: `${origin}/to/${status}?to=${encodeURIComponent(to)}`, method })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN', retryable: false });
    expect(seen.every(({ url }) => url.startsWith('/to/'))).toBe(true);
  });

  it('to a place that a deployment opens for other methods is refused', async () => {
    const settings = { http: { allowOrigins: [{ origin }, { origin: otherOrigin, methods: ['POST'] }] } };
    await expect(request({ url: `${origin}/to/303?to=${otherOrigin}/x`, method: 'POST' }, { settings })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN' });
  });
});

describe('targets of pkg:http/request', () => {
  const port = (): string => new URL(origin).port;

  it.each(['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0.0.0.0', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '169.254.169.254', '10.0.0.1', '[fd00:ec2::254]', 'localhost'])(
    'a POST to %s is refused before anything is sent',
    async (host) => {
      await expect(request({ url: `http://${host}:${port()}/x`, method: 'POST', json: 1 }, { settings: {} })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN', retryable: false });
      expect(seen).toEqual([]);
    },
  );

  it('a name is judged by what it resolves to at the moment it is dialled, and resolved no second time', async () => {
    let asked = 0;
    const rebinding: ResolveAll = (_host, _options, done) => {
      asked += 1;
      done(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    await expect(request({ url: `http://rebind.example:${port()}/x`, method: 'POST' }, { settings: {}, resolveAll: rebinding })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN' });
    expect([asked, seen]).toEqual([1, []]);
  });

  it('the schemas of the conductor are open to GET only', async () => {
    const settings = { http: { allowOrigins: [{ origin, pathPrefix: '/schemas/', methods: ['GET'] }] } };
    await request({ url: `${origin}/schemas/x` }, { settings });
    await expect(request({ url: `${origin}/schemas/x`, method: 'POST' }, { settings })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN' });
    await expect(request({ url: `${origin}/api/executions`, method: 'POST' }, { settings })).rejects.toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN' });
    expect(seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it('text that is no URL is refused', async () => {
    await expect(request({ url: 'no url' })).rejects.toMatchObject({ code: 'HTTP_URL_INVALID' });
  });
});
