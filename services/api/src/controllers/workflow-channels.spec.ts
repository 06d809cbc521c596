import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { clientCommandId } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const post = (url: string, payload?: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });

describe('POST /api/workflows/{id}/promote', () => {
  it('answers 200 with the version that is stable now', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '11', result: { id: 'hello-world', version: '1.1.0' } });
    const answer = await post('/api/workflows/hello-world/promote', { comment: 'it held' });

    expect([answer.statusCode, answer.json()]).toEqual([200, { id: 'hello-world', version: '1.1.0', position: '11' }]);
    expect(parts.gateway.sent[0]?.command).toEqual({ type: 'workflow.promote.v1', payload: { workflowId: 'hello-world', comment: 'it held' } });
  });

  it('needs no body, and passes refusals on', async () => {
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'VERSION_CONFLICT', detail: 'there is no candidate' } });

    expect((await post('/api/workflows/hello-world/promote')).statusCode).toBe(409);
    expect(parts.gateway.sent[0]?.command.payload).toEqual({ workflowId: 'hello-world', comment: '' });
  });

  it('knows no workflow by a name that cannot be one', async () => {
    for (const id of ['ab', 'a.b.c', 'x'.repeat(65)]) expect([id, (await post(`/api/workflows/${id}/promote`)).json<{ code: string }>().code]).toEqual([id, 'WORKFLOW_NOT_FOUND']);
    expect(parts.gateway.sent).toEqual([]);
  });
});

describe('POST /api/workflows/{id}/rollback', () => {
  const URL = '/api/workflows/hello-world/rollback';

  it('answers 200 with what stepped back and what is stable', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '12', result: { id: 'hello-world', version: '1.1.0', to: '1.0.0' } });
    const answer = await post(URL, { to: '1.0.0', comment: 'errors' });

    expect([answer.statusCode, answer.json()]).toEqual([200, { id: 'hello-world', version: '1.1.0', to: '1.0.0', position: '12' }]);
    expect(parts.gateway.sent[0]?.command).toEqual({ type: 'workflow.rollback.v1', payload: { workflowId: 'hello-world', to: '1.0.0', comment: 'errors' } });
  });

  it('withdraws the candidate where no version is named', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '12', result: { id: 'hello-world', version: '1.1.0', to: null } });

    expect((await post(URL)).json<{ to: unknown }>().to).toBeNull();
    expect(parts.gateway.sent[0]?.command.payload).toEqual({ workflowId: 'hello-world', to: null, comment: '' });
  });

  it('names every wrong field', async () => {
    const { errors } = (await post(URL, { to: 'latest', comment: 1, force: true })).json<{ errors: { pointer: string }[] }>();

    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/comment', '/force', '/to']);
  });

  it('is one command for one key and workflow, however it is spelled', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '12', result: { id: 'hello-world', version: '1.1.0', to: null } });
    for (const id of ['hello-world', 'Hello-World', 'other-world']) await post(`/api/workflows/${id}/rollback`, {}, { 'idempotency-key': 'k' });
    const [first, same, other] = parts.gateway.sent.map(({ commandId }) => commandId);

    expect([first, same]).toEqual([clientCommandId('default', 'user:local', `POST ${URL}`, 'k'), first]);
    expect(other).not.toBe(first);
  });
});
