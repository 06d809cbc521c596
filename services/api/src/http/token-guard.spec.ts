import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Parts, openApi } from '../../fixtures/api.ts';

const TOKEN = 'kX3-a.token~of_this/server=';

let app: NestFastifyApplication;

beforeAll(async () => {
  app = await openApi(new Parts(), { token: TOKEN });
});

afterAll(() => app.close());

const get = (url: string, authorization?: string) => app.inject({ method: 'GET', url, headers: authorization === undefined ? {} : { authorization } });

describe('a server with a token', () => {
  it.each(['/api/keys', '/api/executions', '/schemas/manifest.v1.json', '/docs', '/docs/openapi.json', '/metrics', '/readyz', '/healthz?x', '/api/nothing'])('keeps %s from who has none', async (url) => {
    const answer = await get(url);

    expect([answer.statusCode, answer.headers['www-authenticate'], answer.json<{ code: string }>().code]).toEqual([401, 'Bearer realm="maestro"', 'UNAUTHENTICATED']);
  });

  it('answers who sends it, whatever the case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) expect((await get('/api/keys', `${scheme} ${TOKEN}`)).statusCode).toBe(200);
  });

  it.each(['', 'Bearer', 'Bearer ', `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN} ${TOKEN}`, 'Bearer \u00e9'])('refuses "%s"', async (authorization) => {
    const answer = await get('/api/keys', authorization);

    expect(answer.statusCode).toBe(401);
    expect(answer.body).not.toContain(TOKEN);
  });

  it('refuses before a body is read', async () => {
    const answer = await app.inject({ method: 'POST', url: '/api/workflows', payload: '{', headers: { 'content-type': 'application/json' } });

    expect(answer.statusCode).toBe(401);
  });

  it('leaves the health probe open', async () => {
    expect((await get('/healthz')).statusCode).toBe(200);
  });

  it('asks foreign hosts for no token: they are refused as such', async () => {
    expect((await app.inject({ method: 'GET', url: '/api/keys', headers: { host: 'rebind.example' } })).statusCode).toBe(421);
  });
});
