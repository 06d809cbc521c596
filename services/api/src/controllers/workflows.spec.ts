import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { sha256 } from '@maestro/receipt';
import { Parts, openApi } from '../../fixtures/api.ts';
import { MANIFEST, MANIFEST_DIGEST, append, appendFromFuture, draftSaved, publishedWorkflow } from '../../fixtures/histories.ts';

const NEXT = { ...MANIFEST, version: '1.1.0' };

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

describe('GET /api/workflows/{id}', () => {
  it('shows drafts, versions and the manifest of the draft', async () => {
    await publishedWorkflow(parts.store);
    const position = await append(parts.store, 'workflow-hello-world', [draftSaved(NEXT)]);
    const answer = await get('/api/workflows/hello-world');

    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        id: 'hello-world',
        draft: { version: '1.1.0', digest: expect.stringMatching(/^sha256:/) },
        stable: '1.0.0',
        candidate: null,
        versions: [{ version: '1.0.0', digest: `sha256:${MANIFEST_DIGEST}`, publishedAt: '2026-01-05T10:00:00.000Z', status: 'stable' }],
        pending: null,
        denied: null,
        retired: false,
        updatedAt: '2026-01-05T10:00:00.000Z',
        revision: 4,
        position,
        manifest: NEXT,
      },
    ]);
  });

  it('finds a workflow by another spelling of its name, and shows its own', async () => {
    await publishedWorkflow(parts.store);

    expect((await get('/api/workflows/Hello-World')).json<{ id: string }>().id).toBe('hello-world');
  });

  it('spares who holds its state, until something changes', async () => {
    await publishedWorkflow(parts.store);
    for (const url of ['/api/workflows/hello-world', '/api/workflows/hello-world/versions']) {
      const etag = String((await get(url)).headers['etag']);
      expect([url, (await get(url, { 'if-none-match': etag })).statusCode]).toEqual([url, 304]);
      await append(parts.store, 'workflow-hello-world', [draftSaved(NEXT)]);
      expect([url, (await get(url, { 'if-none-match': etag })).statusCode]).toEqual([url, 200]);
    }
  });

  it('knows no other', async () => {
    expect((await get('/api/workflows/nobody')).json()).toEqual(expect.objectContaining({ status: 404, code: 'WORKFLOW_NOT_FOUND' }));
  });
});

describe('published versions', () => {
  it('are listed', async () => {
    await publishedWorkflow(parts.store);

    expect((await get('/api/workflows/hello-world/versions')).json()).toEqual(expect.objectContaining({ id: 'hello-world', items: [expect.objectContaining({ version: '1.0.0', status: 'stable' })] }));
  });

  it('are served as the bytes that their digest is of', async () => {
    await publishedWorkflow(parts.store);
    const answer = await get('/api/workflows/hello-world/versions/1.0.0');

    expect([answer.statusCode, answer.json(), sha256(answer.rawPayload)]).toEqual([200, MANIFEST, MANIFEST_DIGEST]);
    expect(answer.headers).toEqual(expect.objectContaining({ etag: `"sha256:${MANIFEST_DIGEST}"`, 'cache-control': 'private, max-age=31536000, immutable' }));
  });

  it('are not sent again to who holds them', async () => {
    await publishedWorkflow(parts.store);
    const answer = await get('/api/workflows/hello-world/versions/1.0.0', { 'if-none-match': `"other", W/"sha256:${MANIFEST_DIGEST}"` });

    expect([answer.statusCode, answer.body]).toEqual([304, '']);
  });

  it('are no drafts', async () => {
    await append(parts.store, 'workflow-hello-world', [draftSaved()]);

    expect((await get('/api/workflows/hello-world/versions/1.0.0')).json()).toEqual(expect.objectContaining({ status: 404, code: 'VERSION_NOT_FOUND' }));
  });
});

describe('a stream that this release cannot read', () => {
  it('is named, and the others are served', async () => {
    await publishedWorkflow(parts.store);
    await append(parts.store, 'workflow-other-one', [draftSaved()]);
    await appendFromFuture(parts.store, 'workflow-other-one');

    expect((await get('/api/workflows/other-one')).json()).toEqual(expect.objectContaining({ status: 500, code: 'EVENT_FROM_NEWER_VERSION', detail: expect.stringContaining('revision 1 of workflow-other-one') }));
    expect((await get('/api/workflows/hello-world')).statusCode).toBe(200);
  });
});
