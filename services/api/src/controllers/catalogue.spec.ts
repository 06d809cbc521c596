import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Parts, openApi } from '../../fixtures/api.ts';
import { POLICY_SET } from '../../fixtures/fakes.ts';
import { H, MANIFEST_DIGEST, append, draftSaved, publishDecided, publishRequested, published } from '../../fixtures/histories.ts';

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const get = (url: string) => app.inject({ method: 'GET', url });

describe('keys and policies', () => {
  it('serves the public keys and their registry', async () => {
    expect((await get('/api/keys')).json()).toEqual({ keys: [expect.objectContaining({ keyId: 'SHA256:key', revokedAt: null })], registry: { payload: 'registry' } });
  });

  it('serves the active policy set and all that can be loaded', async () => {
    expect((await get('/api/policies')).json()).toEqual({ active: { ...POLICY_SET, activeSince: null }, sets: [{ ...POLICY_SET, activeSince: null }], activations: [] });
  });

  it('says since when a set is active: the latest time that it became so', async () => {
    const [first, other, again] = ['2026-01-05T10:00:00.000Z', '2026-01-06T10:00:00.000Z', '2026-01-07T10:00:00.000Z'] as const;
    parts.activations = [{ setDigest: H('5'), since: first }, { setDigest: H('9'), since: other }, { setDigest: H('5'), since: again }];

    expect((await get('/api/policies')).json()).toMatchObject({ active: { activeSince: again }, activations: [{ since: first }, { since: other }, { since: again }] });
  });
});

describe('GET /api/commands/{commandId}', () => {
  const record = { commandId: H('a'), type: 'workflow.publish.v1', state: 'accepted', at: '2026-01-05T10:00:00.000Z', position: '2', result: { id: 'hello-world', checkId: 'publish/1' }, rejection: null } as const;

  it('says what policy made of a publication since', async () => {
    parts.records.set(H('a'), record);
    await append(parts.store, 'workflow-hello-world', [draftSaved(), publishRequested]);
    const before = (await get(`/api/commands/${H('a')}`)).json();
    const position = await append(parts.store, 'workflow-hello-world', [publishDecided(true), published]);
    const after = (await get(`/api/commands/${H('a')}`)).json();

    expect(before).toEqual({ ...record, outcome: { kind: 'pending' } });
    expect(after).toEqual({ ...record, outcome: { kind: 'published', version: '1.0.0', digest: `sha256:${MANIFEST_DIGEST}`, channel: 'stable', position } });
  });

  it('waits a moment for what was answered just now', async () => {
    const position = await append(parts.store, 'workflow-hello-world', [draftSaved()]);
    parts.views.position = async () => {
      // the projector folds the command between the first look and the second
      parts.records.set(H('d'), { ...record, commandId: H('d'), result: { id: 'hello-world' } });
      return position;
    };

    expect((await get(`/api/commands/${H('d')}`)).json()).toEqual(expect.objectContaining({ state: 'accepted', outcome: null }));
  });

  it('shows a refusal, and knows no other command', async () => {
    parts.records.set(H('b'), { ...record, commandId: H('b'), state: 'refused', position: null, result: null, rejection: { code: 'VERSION_CONFLICT', detail: 'raise it' } });

    expect((await get(`/api/commands/${H('b')}`)).json()).toEqual(expect.objectContaining({ state: 'refused', rejection: { code: 'VERSION_CONFLICT', detail: 'raise it' }, outcome: null }));
    expect((await get(`/api/commands/${H('c')}`)).json()).toEqual(expect.objectContaining({ status: 404, code: 'COMMAND_NOT_FOUND' }));
  });
});

describe('operations', () => {
  it('are ready when every dependency is', async () => {
    expect([(await get('/readyz')).statusCode, (await get('/readyz')).json()]).toEqual([200, { ready: true, checks: parts.ready }]);
    parts.ready = [{ name: 'store', ok: false, detail: 'disk full' }];
    expect([(await get('/readyz')).statusCode, (await get('/readyz')).json<{ ready: boolean }>().ready]).toEqual([503, false]);
  });

  it('serve metrics as Prometheus text, and count requests', async () => {
    await get('/api/workflows/nobody');
    const answer = await get('/metrics');

    expect([answer.headers['content-type'], answer.body]).toEqual(['text/plain; version=0.0.4', '# HELP mc_up 1\n']);
    expect(parts.counted).toContainEqual({ name: 'http_requests_total', labels: { method: 'GET', status: '404' } });
  });

  it('count answers of 500 and more, for the objective of availability', async () => {
    parts.gateway.answer = () => {
      throw new Error('a bug');
    };
    await app.inject({ method: 'POST', url: '/api/executions', payload: { workflowId: 'hello-world' } });

    expect(parts.counted).toContainEqual({ name: 'http_5xx_total', labels: {} });
  });
});

describe('Swagger UI', () => {
  it('is served with its document', async () => {
    const page = await get('/docs');
    const document = await get('/docs/openapi.json');

    expect([page.statusCode, page.headers['content-type'], page.body.includes('swagger-ui')]).toEqual([200, expect.stringContaining('text/html'), true]);
    expect([document.statusCode, document.json<{ openapi: string }>().openapi]).toEqual([200, '3.1.0']);
    expect((await get('/docs/swagger-ui-bundle.js')).statusCode).toBe(200);
  });
});
