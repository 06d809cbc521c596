import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AnyEvent } from '@maestro/contracts';
import { canonicalBytes, sha256 } from '@maestro/receipt';
import { Parts, openApi } from '../../fixtures/api.ts';
import { H, OTHER_RUN, RUN, RUN_EVENTS, append } from '../../fixtures/histories.ts';

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const SIGNATURE = Buffer.from('a signature').toString('base64');

/** What the view reads of a receipt; the verifier is what looks at the rest. */
const PREDICATE = { schema: 'receipt.v1', executionId: RUN, startedAt: '2026-01-05T10:00:00.000Z', finishedAt: '2026-01-05T10:00:01.000Z', verdict: 'succeeded', steps: [{ id: 'greet' }], digests: {}, policyDecisions: [], workflow: {}, stream: {}, environment: null, cost: {}, links: {} };

function bundleOf(predicate: object): Uint8Array {
  const payload = Buffer.from(JSON.stringify({ predicate })).toString('base64');
  const dsseEnvelope = { payloadType: 'application/vnd.in-toto+json', payload, signatures: [{ keyid: 'SHA256:key', sig: SIGNATURE }] };
  return canonicalBytes({ mediaType: BUNDLE_TYPE, dsseEnvelope, verificationMaterial: {} });
}

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

async function signed(bundle = bundleOf(PREDICATE), bundleDigest = sha256(bundle)): Promise<string> {
  await append(parts.store, `execution-${RUN}`, RUN_EVENTS);
  const evidence = await parts.evidence.put({ key: `receipts/${bundleDigest}`, bytes: bundle });
  const event: AnyEvent = {
    type: 'receipt.signed.v1',
    data: { executionId: RUN, verdict: 'succeeded', assembler: 'receipt.v1', stream: { name: `execution-${RUN}`, count: 9, head: H('1'), merkleRoot: H('2') }, receiptDigest: H('3'), statementDigest: H('4'), bundleDigest, evidence, keyId: 'SHA256:key', supersedes: null },
  };
  await append(parts.store, `receipt-${RUN}`, [event]);
  return bundleDigest;
}

describe('GET /api/executions/{id}/receipt', () => {
  it('answers the fields of the receipt, its signature and its states', async () => {
    const digest = await signed();
    const answer = await get(`/api/executions/${RUN}/receipt`);

    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { ...PREDICATE, signature: SIGNATURE, keyId: 'SHA256:key', bundleDigest: `sha256:${digest}`, signedAt: '2026-01-05T10:00:00.000Z', states: { signed: true, logged: false, witnessed: false } },
    ]);
  });

  it('answers the exact bundle to who asks for one', async () => {
    const digest = await signed();
    const answer = await get(`/api/executions/${RUN}/receipt`, { accept: `${BUNDLE_TYPE}; q=0.9` });

    expect([answer.statusCode, answer.headers['content-type'], Buffer.compare(answer.rawPayload, bundleOf(PREDICATE))]).toEqual([200, BUNDLE_TYPE, 0]);
    expect((await get(`/api/executions/${RUN}/receipt`, { accept: BUNDLE_TYPE, 'if-none-match': `"sha256:${digest}"` })).statusCode).toBe(304);
  });

  it('tags the view by its states, which may change where the bundle does not', async () => {
    await signed();
    const etag = async () => String((await get(`/api/executions/${RUN}/receipt`)).headers['etag']);
    const before = await etag();
    expect((await get(`/api/executions/${RUN}/receipt`, { 'if-none-match': before })).statusCode).toBe(304);
    await append(parts.store, `receipt-${RUN}`, [{ type: 'receipt.logged.v1', data: { executionId: RUN, statementDigest: H('4'), origin: 'spec', leafIndex: 0, treeSize: 1, root: H('1'), evidence: { digest: H('1'), location: 'x' } } }]);

    expect(await etag()).not.toBe(before);
  });

  it('refuses an Accept that neither form fits', async () => {
    await signed();

    expect((await get(`/api/executions/${RUN}/receipt`, { accept: 'text/html' })).json()).toEqual(expect.objectContaining({ status: 406, code: 'NOT_ACCEPTABLE' }));
  });

  it('says logged only of the statement that was logged', async () => {
    await signed();
    const logged = (statementDigest: string): AnyEvent => ({ type: 'receipt.logged.v1', data: { executionId: RUN, statementDigest, origin: 'spec', leafIndex: 0, treeSize: 1, root: H('1'), evidence: { digest: H('1'), location: 'x' } } });
    await append(parts.store, `receipt-${RUN}`, [logged(H('9'))]);
    const states = async () => (await get(`/api/executions/${RUN}/receipt`)).json<{ states: unknown }>().states;

    expect(await states()).toEqual({ signed: true, logged: false, witnessed: false });
    await append(parts.store, `receipt-${RUN}`, [logged(H('4'))]);
    expect(await states()).toEqual({ signed: true, logged: true, witnessed: false });
  });

  it('answers 409 with Retry-After while the run goes on, and until it is signed', async () => {
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(0, 4));
    const running = await get(`/api/executions/${RUN}/receipt`);
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(4));
    const unsigned = await get(`/api/executions/${RUN}/receipt`);

    expect([running.statusCode, running.headers['retry-after'], running.json()]).toEqual([409, '1', expect.objectContaining({ code: 'RUN_NOT_FINISHED', ended: false })]);
    expect([unsigned.statusCode, unsigned.headers['retry-after'], unsigned.json()]).toEqual([409, '1', expect.objectContaining({ code: 'RUN_NOT_FINISHED', ended: true })]);
  });

  it('never serves a bundle that is not the one that was named', async () => {
    await signed(bundleOf(PREDICATE), H('0'));

    expect((await get(`/api/executions/${RUN}/receipt`)).json()).toEqual(expect.objectContaining({ status: 500, code: 'STORE_DAMAGED' }));
  });

  it('answers 404 for an unknown run', async () => {
    expect((await get(`/api/executions/${OTHER_RUN}/receipt`)).json()).toEqual(expect.objectContaining({ status: 404, code: 'EXECUTION_NOT_FOUND' }));
  });
});

describe('GET /api/executions/{id}/verify', () => {
  it('answers the check table with 200, whatever it says', async () => {
    await signed();
    parts.report = { rows: [{ check: 3, name: 'signature', status: 'failed', code: 'TAMPERED_RECEIPT', meaning: 'changed', whatToDo: 'ask' }], verdict: 'TAMPERED_RECEIPT', exitCode: 3 };
    const answer = await get(`/api/executions/${RUN}/verify`);

    expect([answer.statusCode, answer.json()]).toEqual([200, { executionId: RUN, ...parts.report }]);
  });

  it('has nothing to verify before there is a receipt', async () => {
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(0, 4));

    expect((await get(`/api/executions/${RUN}/verify`)).statusCode).toBe(409);
  });
});
