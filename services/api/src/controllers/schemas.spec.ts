import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { schemaFiles, schemasUrl } from '@maestro/contracts';
import { Parts, openApi } from '../../fixtures/api.ts';

let app: NestFastifyApplication;

beforeAll(async () => {
  app = await openApi(new Parts());
});

afterAll(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

describe('GET /schemas', () => {
  it.each(schemaFiles)('serves %s byte by byte, and once to who keeps it', async (file) => {
    const answer = await get(`/schemas/${file}`);

    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect(Buffer.compare(answer.rawPayload, readFileSync(new URL(file, schemasUrl)))).toBe(0);
    expect((await get(`/schemas/${file}`, { 'if-none-match': String(answer.headers['etag']) })).statusCode).toBe(304);
  });

  it('serves nothing that is not listed', async () => {
    expect((await get('/schemas/package.json')).json()).toEqual(expect.objectContaining({ status: 404, code: 'SCHEMA_NOT_FOUND' }));
  });
});
