import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Fault } from '@maestro/ports';
import type { RejectionCode } from '@maestro/domain';
import { clientCommandId } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';
import { MANIFEST, MANIFEST_DIGEST, RUN, append, draftSaved, publishDecided, publishDenied, publishRequested, published } from '../../fixtures/histories.ts';
import { REJECTION_STATUS } from '../problem/rejection-status.ts';

const DIGEST = `sha256:${MANIFEST_DIGEST}`;
const YAML = `# a workflow
name: hello-world
version: 1.0.0
tasks:
  - id: greet
    uses: pkg:core/none@1.0.0
    colour: red
`;

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const post = (url: string, payload?: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });

const saved = () => ({ kind: 'ok', position: '7', result: { id: 'hello-world', version: '1.0.0', digest: DIGEST } }) as const;

describe('POST /api/workflows', () => {
  it('sends the manifest as a command and answers 201 with what was made', async () => {
    parts.gateway.answer = saved;
    const answer = await post('/api/workflows', MANIFEST, { 'idempotency-key': 'once' });

    expect([answer.statusCode, answer.json()]).toEqual([201, { id: 'hello-world', version: '1.0.0', digest: DIGEST, position: '7' }]);
    expect(answer.headers['location']).toBe('/api/workflows/hello-world');
    const commandId = clientCommandId('default', 'user:local', 'POST /api/workflows', 'once');
    expect(answer.headers['maestro-command-id']).toBe(commandId);
    expect(parts.gateway.sent).toEqual([
      { command: { type: 'workflow.save-draft.v1', payload: { manifest: MANIFEST } }, commandId, tenant: 'default', actor: 'user:local', causationId: null, correlationId: answer.headers['maestro-request-id'] },
    ]);
  });

  it('takes YAML for the same manifest', async () => {
    parts.gateway.answer = saved;
    const text = `name: hello-world\nversion: 1.0.0\nregion: US\ninputs: {who: world}\ntasks:\n- {id: greet, uses: 'pkg:core/echo@1.0.0', with: {text: 'hello \${{ inputs.who }}'}}\n- {id: again, uses: 'pkg:core/echo@1.0.0', needs: [greet], with: {text: '\${{ tasks.greet.outputs.text }}'}}\n`;
    const answer = await app.inject({ method: 'POST', url: '/api/workflows', payload: text, headers: { 'content-type': 'text/yaml; charset=utf-8' } });

    expect(answer.statusCode).toBe(201);
    expect(parts.gateway.sent[0]?.command).toEqual({ type: 'workflow.save-draft.v1', payload: { manifest: MANIFEST } });
  });

  it('draws a fresh command id for each request without a key', async () => {
    parts.gateway.answer = saved;
    await post('/api/workflows', MANIFEST);
    await post('/api/workflows', MANIFEST);

    expect(new Set(parts.gateway.sent.map(({ commandId }) => commandId)).size).toBe(2);
  });

  it('answers every problem of schema with pointer, line and column', async () => {
    const answer = await app.inject({ method: 'POST', url: '/api/workflows', payload: YAML, headers: { 'content-type': 'application/yaml' } });

    expect(answer.json()).toEqual(
      expect.objectContaining({ status: 400, code: 'MANIFEST_INVALID', errors: [{ pointer: '/tasks/0/colour', code: 'SCHEMA', message: 'unknown field; remove it', line: 7, column: 5 }] }),
    );
    expect(parts.gateway.sent).toEqual([]);
  });

  it('answers every problem of meaning together', async () => {
    const manifest = { ...MANIFEST, tasks: [{ id: 'a', uses: 'pkg:core/none@1.0.0', needs: ['b'] }, { id: 'a', uses: 'pkg:core/echo@1.0.0', with: { text: 1 } }] };
    const { errors } = (await post('/api/workflows', manifest)).json<{ errors: { pointer: string; code: string }[] }>();

    expect(errors.map(({ pointer, code }) => [pointer, code])).toEqual(
      expect.arrayContaining([
        ['/tasks/1/id', 'TASK_ID_NOT_UNIQUE'],
        ['/tasks/0/needs/0', 'TASK_UNKNOWN'],
        ['/tasks/0/uses', 'PACKAGE_UNKNOWN'],
        ['/tasks/1/with/text', 'INPUT_MISMATCH'],
      ]),
    );
  });

  it.each(Object.entries(REJECTION_STATUS))('answers a refusal %s with %i', async (code, status) => {
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: code as RejectionCode, detail: 'because', params: { a: 1 } } });
    const answer = await post(`/api/executions/${RUN}/resume`);

    expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ status, code, detail: 'because', params: { a: 1 } })]);
    expect(answer.headers['maestro-command-id']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('answers a fault with its code and when to come back', async () => {
    parts.gateway.answer = () => {
      throw new Fault('STORE_READ_ONLY', 'free space on the disk', { retryable: true });
    };
    const answer = await post('/api/workflows', MANIFEST);

    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(answer.json()).toEqual(expect.objectContaining({ code: 'STORE_READ_ONLY', detail: 'free space on the disk' }));
  });

  it('answers what nobody foresaw as BUG, without a word of it, and logs it', async () => {
    parts.gateway.answer = () => {
      throw new TypeError('secret at /home/somebody');
    };
    const answer = await post('/api/workflows', MANIFEST);

    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([500, 'BUG']);
    expect(answer.body).not.toContain('secret');
    expect(parts.log.lines).toEqual([expect.objectContaining({ level: 'error', fields: expect.objectContaining({ requestId: answer.headers['maestro-request-id'], code: 'BUG' }) })]);
  });
});

describe('POST /api/workflows/{id}/publish', () => {
  const URL = '/api/workflows/hello-world/publish';
  const asked = { id: 'hello-world', version: '1.0.0', digest: DIGEST };

  async function requested(): Promise<void> {
    await append(parts.store, 'workflow-hello-world', [draftSaved(), publishRequested]);
    parts.gateway.answer = () => ({ kind: 'ok', position: '2', result: { ...asked, checkId: 'publish/1', channel: null } });
  }

  it('answers at once where the version is published already', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '4', result: { ...asked, checkId: null, channel: 'stable' } });
    const answer = await post(URL, { version: '1.0.0' });

    expect([answer.statusCode, answer.json()]).toEqual([200, { ...asked, channel: 'stable', position: '4' }]);
    expect(parts.gateway.sent[0]?.command).toEqual({ type: 'workflow.publish.v1', payload: { workflowId: 'hello-world', version: '1.0.0' } });
  });

  it('waits for the decision and answers as soon as it is appended', async () => {
    await requested();
    const { answer } = parts.gateway;
    let decided: Promise<string> | undefined;
    parts.gateway.answer = (envelope) => {
      // after this turn the request has read the history and follows the stream
      setImmediate(() => (decided = append(parts.store, 'workflow-hello-world', [publishDecided(true), published])));
      return answer(envelope);
    };
    const response = await post(URL);

    expect([response.statusCode, response.json()]).toEqual([200, { ...asked, channel: 'stable', position: await decided }]);
  });

  it('answers 403 with the decisions of every pack where policy denies', async () => {
    await requested();
    await append(parts.store, 'workflow-hello-world', [publishDecided(false), publishDenied]);
    const answer = await post(URL);

    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toEqual(
      expect.objectContaining({ code: 'POLICY_DENIED', reason: 'POLICY_DENIED', violations: ['REGION_BANNED'], decisions: [expect.objectContaining({ pack: 'residency', allow: false })] }),
    );
  });

  it('is not misled by the decision on an earlier request', async () => {
    await append(parts.store, 'workflow-hello-world', [draftSaved(), publishRequested, publishDecided(false), publishDenied]);
    await append(parts.store, 'workflow-hello-world', [{ ...publishRequested, data: { ...(publishRequested.data as object), checkId: 'publish/4' } } as never]);
    parts.gateway.answer = () => ({ kind: 'ok', position: '5', result: { ...asked, checkId: 'publish/4', channel: null } });
    await app.close();
    app = await openApi(parts, { publishWaitMs: 1 });

    expect((await post(URL)).statusCode).toBe(202);
  });

  it('answers 202 with the link of the command where nobody decides in time', async () => {
    await app.close();
    app = await openApi(parts, { publishWaitMs: 1 });
    await requested();
    const answer = await post(URL, undefined, { 'idempotency-key': 'k' });
    const command = `/api/commands/${clientCommandId('default', 'user:local', 'POST /api/workflows/hello-world/publish', 'k')}`;

    expect([answer.statusCode, answer.headers['location']]).toEqual([202, command]);
    expect(answer.json()).toEqual({ ...asked, checkId: 'publish/1', position: '2', links: { command } });
  });

  it('answers a repeated command whose publication was denied since as the first time', async () => {
    const commandId = clientCommandId('default', 'user:local', 'POST /api/workflows/hello-world/publish', 'again');
    await append(parts.store, 'workflow-hello-world', [draftSaved()]);
    await append(parts.store, 'workflow-hello-world', [publishRequested], { commandId });
    await append(parts.store, 'workflow-hello-world', [publishDecided(false), publishDenied]);
    parts.gateway.answer = () => ({ kind: 'ok', position: '4', result: { ...asked, checkId: null, channel: null } });

    expect((await post(URL, undefined, { 'idempotency-key': 'again' })).statusCode).toBe(403);
  });

  it('refuses an unknown field and a name that can be no workflow', async () => {
    expect((await post(URL, { force: true })).json()).toEqual(expect.objectContaining({ code: 'REQUEST_INVALID', errors: [expect.objectContaining({ pointer: '/force', code: 'UNKNOWN_FIELD' })] }));
    expect((await post('/api/workflows/a.b/publish')).statusCode).toBe(404);
  });
});
