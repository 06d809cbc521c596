import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RejectionCode } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { FaultCode } from '@maestro/ports';
import type { ApiDependencies } from '../api-dependencies.ts';
import type { ApiDocument, Operation } from '../../fixtures/answer-check.ts';
import { Parts, openApi } from '../../fixtures/api.ts';
import { fillWorld, leavePublicationPending } from '../../fixtures/full-world.ts';
import type { PathValues } from '../../fixtures/full-world.ts';
import { H, OTHER_RUN, RUN } from '../../fixtures/histories.ts';

const document = JSON.parse(readFileSync(new URL('../../../../contracts/openapi.json', import.meta.url), 'utf8')) as ApiDocument;

type Route = { readonly method: 'GET' | 'POST'; readonly path: string; readonly operation: Operation };
type Sent = { readonly url?: string; readonly payload?: string | object; readonly headers?: Record<string, string> };

const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): Route => ({ method: method.toUpperCase() as Route['method'], path, operation })),
);
/** Operation and status of every answer that the document holds, but for those that say how well things go. */
const answersOf = (status: number) => routes.filter(({ operation }) => operation.responses[status] !== undefined).map((route): [string, Route] => [`${route.method} ${route.path}`, route]);

const RUN_PATHS = '/api/executions/';
const FINISHED = RUN;
const RUNNING = OTHER_RUN;
const UNKNOWN: PathValues = { id: '01920000-0000-7000-8000-00000000000f', version: '9.9.9', digest: H('0'), commandId: H('0'), file: 'none.json', folder: 'none', task: 'none' };

let parts: Parts;
let app: NestFastifyApplication;
let values: PathValues;

async function open(settings: Partial<ApiDependencies['settings']> = {}, more: Partial<ApiDependencies> = {}): Promise<void> {
  await app?.close();
  app = await openApi(parts, settings, more);
}

beforeEach(async () => {
  parts = new Parts();
  values = await fillWorld(parts);
  await open();
});

afterEach(() => app.close());

/** Sends what the document shows as an example of the operation, or something else. */
function send({ method, path, operation }: Route, sent: Sent = {}, places: PathValues = {}) {
  const own = path.startsWith(RUN_PATHS) ? FINISHED : 'hello-world';
  const inFolder = path.includes('{folder}') ? { file: 'workflow.published.v1.json' } : {};
  const known: PathValues = { ...values, ...inFolder, ...places };
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => known[name] ?? own);
  const example = operation.requestBody?.content['application/json']?.example;
  const payload = method === 'POST' && example !== undefined ? { payload: example as object } : {};
  return app.inject({ method, url, ...payload, ...sent });
}

/** Every part that could fail, failing. */
function failing(error: () => Error): Partial<ApiDependencies> {
  const broken = new Proxy(() => undefined, {
    // the framework looks for hooks of its own on everything that it is given
    get: (_, name) => (typeof name === 'symbol' || /^(then|on[A-Z]|before[A-Z])/.test(name) ? undefined : broken),
    apply: () => {
      throw error();
    },
  }) as never;
  const names = ['gateway', 'commands', 'store', 'views', 'evidence', 'policies', 'policyActivations', 'keys', 'verify', 'verifyFiles', 'taskLog', 'readiness'] as const;
  const metrics = { ...parts.dependencies({}, {}).metrics, text: broken };
  return { ...Object.fromEntries(names.map((name) => [name, broken])), metrics };
}

const refuse = (code: RejectionCode): void => {
  parts.gateway.answer = () => ({ kind: 'refused', rejection: { code, detail: 'because' } });
};

describe('what goes well', () => {
  const EXPECTED: { readonly [operationId: string]: number } = { createWorkflow: 201, startExecution: 202, cancelExecution: 202, resumeExecution: 202, rebuildReadModels: 202 };

  it.each(answersOf(400))('%s answers its own status to the example of the document', async (_name, route) => {
    const { operationId } = route.operation;

    expect((await send(route)).statusCode).toBe(EXPECTED[operationId] ?? 200);
  });

  it('publishing answers 202 while nobody has decided', async () => {
    await leavePublicationPending(parts);
    await open({ publishWaitMs: 1 });
    const [route] = routes.filter(({ operation }) => operation.operationId === 'publishWorkflow');

    expect((await send(route as Route)).statusCode).toBe(202);
  });

  it.each(answersOf(304))('%s answers 304 to who holds it', async (_name, route) => {
    const { headers } = await send(route);

    expect((await send(route, { headers: { 'if-none-match': String(headers['etag']) } })).statusCode).toBe(304);
  });
});

describe('what is refused at the edge', () => {
  const guarded = routes.filter(({ path }) => path !== '/healthz').map((route): [string, Route] => [`${route.method} ${route.path}`, route]);

  it.each(guarded)('%s answers 401 without the token, 403 to a foreign page, 421 to another name', async (_name, route) => {
    await open({ token: 'a-token' });
    expect((await send(route)).statusCode).toBe(401);

    expect((await send(route, { headers: { origin: 'https://evil.example' } })).statusCode).toBe(403);
    expect((await send(route, { headers: { host: 'rebind.example' } })).statusCode).toBe(421);
  });

  it.each(answersOf(406))('%s answers 406 to an Accept that fits no form', async (_name, route) => {
    expect((await send(route, { headers: { accept: 'image/png' } })).statusCode).toBe(406);
  });

  it.each(answersOf(415))('%s answers 415 to a form, 413 to more than it takes, 400 to half an object', async (_name, route) => {
    const body = async (payload: string, type: string) => (await send(route, { payload, headers: { 'content-type': type } })).statusCode;

    expect(await body('a=1', 'application/x-www-form-urlencoded')).toBe(415);
    expect(await body(`"${'x'.repeat(1_048_575)}"`, 'application/json')).toBe(413);
    expect(await body('{', 'application/json')).toBe(400);
  });

  it.each(routes.map((route): [string, Route] => [route.path, route]))('%s answers 405 with Allow to a method that it does not have', async (_path, route) => {
    for (const method of ['PATCH', 'OPTIONS'] as const) {
      const answer = await app.inject({ method, url: route.path.replace(/\{\w+\}/g, 'x') });
      expect([method, answer.statusCode, String(answer.headers['allow']).split(', ')]).toEqual([method, 405, expect.arrayContaining([route.method])]);
    }
  });

  it.each(routes.filter(({ method }) => method === 'GET').map((route): [string, Route] => [route.path, route]))('%s answers HEAD as GET, without the body', async (_path, route) => {
    const [whole, head] = [await send(route), await send({ ...route, method: 'HEAD' as 'GET' })];

    expect([head.statusCode, head.headers['content-type'], head.body]).toEqual([whole.statusCode, whole.headers['content-type'], '']);
  });
});

describe('what is not there, or not in that state', () => {
  it.each(answersOf(404))('%s answers 404 for what there is not', async (_name, route) => {
    refuse(route.path.startsWith(RUN_PATHS) ? 'EXECUTION_NOT_FOUND' : 'WORKFLOW_NOT_FOUND');
    const unknown = route.path.startsWith(RUN_PATHS) ? UNKNOWN : { ...UNKNOWN, id: 'nobody' };

    expect((await send(route, {}, unknown)).statusCode).toBe(404);
  });

  it.each(answersOf(409))('%s answers 409 where the state does not allow it', async (_name, route) => {
    refuse('VERSION_CONFLICT');

    expect((await send(route, {}, { id: route.path.startsWith(RUN_PATHS) ? RUNNING : 'hello-world' })).statusCode).toBe(409);
  });

  it.each(answersOf(422))('%s answers 422 where the key was used for another command', async (_name, route) => {
    refuse('COMMAND_ID_REUSED');

    expect((await send(route, { headers: { 'idempotency-key': 'k' } })).statusCode).toBe(422);
  });
});

describe('what fails inside', () => {
  /** They touch nothing that could fail. */
  const UNTOUCHED = ['health', 'getSchema', 'getSchemaOf'];
  const failingRoutes = (status: number) => answersOf(status).filter(([, { operation }]) => !UNTOUCHED.includes(operation.operationId));
  const fault = (code: FaultCode): Partial<ApiDependencies> => failing(() => new Fault(code, 'said in words', { retryable: true }));

  it.each(failingRoutes(500))('%s answers a bug with 500, and without a word of it', async (_name, route) => {
    await open({}, failing(() => new TypeError('secret at /home/somebody')));
    const answer = await send(route);

    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([500, 'BUG']);
    expect(answer.body).not.toContain('secret');
  });

  it.each(failingRoutes(503).filter(([, { operation }]) => operation.operationId !== 'readiness'))('%s answers a store that is closed with 503 and when to come back', async (_name, route) => {
    await open({}, fault('STORE_CLOSED'));
    const answer = await send(route);

    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
  });

  it('readiness answers 503 where something is not ready', async () => {
    parts.ready = [{ name: 'store', ok: false, detail: 'read-only' }];
    await open();

    expect((await app.inject('/readyz')).statusCode).toBe(503);
  });

  it.each(answersOf(410))('%s answers 410 where the values were erased', async (_name, route) => {
    await open({}, { gateway: failing(() => new Fault('KEY_DESTROYED', 'erased'))['gateway'] as ApiDependencies['gateway'] });

    expect((await send(route)).statusCode).toBe(410);
  });
});

describe('the examples of the document', () => {
  const bodies = routes.flatMap(({ operation }) => (operation.requestBody === undefined ? [] : [[operation.operationId, operation.requestBody] as const]));

  it.each(bodies)('there is one for the body of %s', (_id, { content }) => {
    expect(content['application/json']?.example).toBeDefined();
  });
});
