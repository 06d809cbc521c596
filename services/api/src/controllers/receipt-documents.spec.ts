import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Json } from '@maestro/domain';
import { canonicalBytes, readmeOf, sha256 } from '@maestro/receipt';
import { Parts, openApi } from '../../fixtures/api.ts';
import { H, MANIFEST, OTHER_RUN, RUN, RUN_EVENTS, append } from '../../fixtures/histories.ts';
import { BUNDLE_TYPE, KEY_ID, indexReceipts, signedRun } from '../../fixtures/receipts.ts';
import { readTar, writeTar } from '../archive/ustar.ts';

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

describe('GET /api/receipts/{digest}', () => {
  it.each([
    ['bundle', BUNDLE_TYPE],
    ['statement', 'application/vnd.in-toto+json'],
    ['receipt', 'application/json'],
  ] as const)('answers the exact bytes of a %s', async (document, type) => {
    const bytes = (await signedRun(parts))[document];
    const digest = sha256(bytes);
    for (const name of [digest, `sha256:${digest}`]) {
      const answer = await get(`/api/receipts/${name}`);
      expect([answer.statusCode, answer.headers['content-type'], answer.headers['etag'], answer.headers['link']]).toEqual([200, type, `"sha256:${digest}"`, `</api/executions/${RUN}/receipt>; rel="describedby"`]);
      expect(sha256(answer.rawPayload)).toBe(digest);
    }
    expect((await get(`/api/receipts/${digest}`, { 'if-none-match': `"sha256:${digest}"` })).statusCode).toBe(304);
  });

  it('waits for a receipt that was signed just now', async () => {
    const { bundle } = await signedRun(parts, { isIndexed: false });
    const position = parts.views.position.bind(parts.views);
    let looks = 0;
    parts.views.position = async () => {
      if (++looks === 2) await indexReceipts(parts);
      return position();
    };

    expect((await get(`/api/receipts/${sha256(bundle)}`)).statusCode).toBe(200);
  });

  it.each([H('0'), `sha512:${H('0')}`, H('0').slice(1), 'verify', `SHA256:${H('0')}`])('answers 404 for %s', async (digest) => {
    await signedRun(parts);

    expect((await get(`/api/receipts/${digest}`)).json()).toEqual(expect.objectContaining({ status: 404, code: 'RECEIPT_NOT_FOUND' }));
  });
});

describe('GET /api/executions/{id}/receipt/evidence', () => {
  it('answers the set as one archive, the same bytes each time', async () => {
    const set = await signedRun(parts);
    parts.keys = [{ keyId: KEY_ID, spki: 'c3BraQ==', pem: '-----BEGIN PUBLIC KEY-----\n', notBefore: null, notAfter: null, revokedAt: null }];
    const [first, second] = [await get(`/api/executions/${RUN}/receipt/evidence`), await get(`/api/executions/${RUN}/receipt/evidence`)];
    const files = readTar(first.rawPayload);
    if (typeof files === 'string') throw new Error(files);
    const { workflow, verdict, finishedAt, stream } = JSON.parse(Buffer.from(set.receipt).toString()) as Parameters<typeof readmeOf>[0];

    expect([first.statusCode, first.headers['content-type'], first.headers['content-disposition']]).toEqual([200, 'application/x-tar', `attachment; filename="receipt-${RUN}.tar"`]);
    expect(Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))).toEqual({
      'events.jsonl': Buffer.from(set.events).toString(),
      'receipt.json': Buffer.from(set.receipt).toString(),
      'receipt.sigstore.json': Buffer.from(set.bundle).toString(),
      'manifest.json': Buffer.from(canonicalBytes(MANIFEST as unknown as Json)).toString(),
      'key.pub': '-----BEGIN PUBLIC KEY-----\n',
      README: readmeOf({ executionId: RUN, workflow, verdict, finishedAt, stream } as Parameters<typeof readmeOf>[0], KEY_ID),
    });
    expect(first.rawPayload.equals(second.rawPayload)).toBe(true);
    expect((await get(`/api/executions/${RUN}/receipt/evidence`, { 'if-none-match': String(first.headers['etag']) })).statusCode).toBe(304);
  });

  it('answers 409 while the run goes on, 404 for an unknown one, 406 for another form', async () => {
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(0, 4));
    const running = await get(`/api/executions/${RUN}/receipt/evidence`);

    expect([running.statusCode, running.headers['retry-after']]).toEqual([409, '1']);
    expect((await get(`/api/executions/${OTHER_RUN}/receipt/evidence`)).statusCode).toBe(404);
    expect((await get(`/api/executions/${RUN}/receipt/evidence`, { accept: 'application/zip' })).statusCode).toBe(406);
  });
});

describe('POST /api/receipts/verify', () => {
  const files = new Map([['events.jsonl', Buffer.from('{}\n')], ['receipt.json', Buffer.from('é')]]);
  const sendJson = (payload: object) => app.inject({ method: 'POST', url: '/api/receipts/verify', payload });
  const sendTar = (payload: Buffer) => app.inject({ method: 'POST', url: '/api/receipts/verify', payload, headers: { 'content-type': 'application/x-tar' } });

  it('answers the check table of files in JSON, and of an archive', async () => {
    const asJson = await sendJson({ files: Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toString('base64')])) });
    const asTar = await sendTar(writeTar(new Map([...files].map(([name, bytes]) => [`set/${name}`, bytes])), 0));

    expect([asJson.statusCode, asJson.json(), asTar.statusCode, asTar.json()]).toEqual([200, parts.report, 200, parts.report]);
    expect(parts.uploaded).toEqual([files, files]);
  });

  it.each([
    ['no member files', {}, 400, 'REQUEST_INVALID'],
    ['a list of files', { files: [] }, 400, 'REQUEST_INVALID'],
    ['another member', { files: {}, key: '' }, 400, 'REQUEST_INVALID'],
    ['a file that is no text', { files: { 'a/b': 1 } }, 400, 'REQUEST_INVALID'],
    ['a file that is not base64', { files: { a: 'ä' } }, 400, 'REQUEST_INVALID'],
    ['too many files', { files: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, ''])) }, 400, 'REQUEST_INVALID'],
    ['more structure than is verified', { files: { a: Buffer.from('{'.repeat(70_000)).toString('base64') } }, 413, 'BODY_TOO_COMPLEX'],
  ])('refuses %s', async (_name, payload, status, code) => {
    expect((await sendJson(payload)).json()).toEqual(expect.objectContaining({ status, code }));
  });

  it('refuses what is no archive, no body, and an archive where none is read', async () => {
    expect((await sendTar(Buffer.from('x'.repeat(1_000)))).json()).toEqual(expect.objectContaining({ status: 400, code: 'BODY_MALFORMED' }));
    expect((await app.inject({ method: 'POST', url: '/api/receipts/verify' })).json()).toEqual(expect.objectContaining({ status: 400, code: 'BODY_REQUIRED' }));
    for (const url of ['/api/workflows', '/api/workflows/abc/publish']) {
      const answer = await app.inject({ method: 'POST', url, payload: writeTar(files, 0), headers: { 'content-type': 'application/x-tar' } });
      expect(answer.json()).toEqual(expect.objectContaining({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' }));
    }
  });
});
