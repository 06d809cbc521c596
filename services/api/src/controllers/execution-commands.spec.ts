import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { clientCommandId } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';
import { OTHER_RUN, RUN } from '../../fixtures/histories.ts';

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const post = (url: string, payload?: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
const self = `/api/executions/${RUN}`;
const links = (id: string) => expect.objectContaining({ self: `/api/executions/${id}`, receipt: `/api/executions/${id}/receipt` });

describe('POST /api/executions/{id}/cancel', () => {
  it('sends the command and answers 202 with where to look', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '9', result: { executionId: RUN } });
    const answer = await post(`${self}/cancel`, { reason: 'WRONG_INPUT', comment: 'by mistake' });

    expect([answer.statusCode, answer.headers['location'], answer.json()]).toEqual([202, self, { id: RUN, position: '9', links: links(RUN) }]);
    expect(parts.gateway.sent[0]?.command).toEqual({ type: 'execution.cancel.v1', payload: { executionId: RUN, reason: 'WRONG_INPUT', comment: 'by mistake' } });
  });

  it('needs no body', async () => {
    await post(`${self}/cancel`);

    expect(parts.gateway.sent[0]?.command.payload).toEqual({ executionId: RUN, reason: null, comment: '' });
  });

  it('answers 409 for a run that has ended, and 404 for an id that cannot be one', async () => {
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'EXECUTION_ENDED', detail: 'the run has ended' } });
    const ended = await post(`${self}/cancel`);

    expect([ended.statusCode, ended.json<{ code: string }>().code]).toEqual([409, 'EXECUTION_ENDED']);
    expect((await post('/api/executions/nobody/cancel')).json<{ code: string }>().code).toBe('EXECUTION_NOT_FOUND');
  });

  it('names every wrong field', async () => {
    const { errors } = (await post(`${self}/cancel`, { reason: 'because', comment: 'x'.repeat(1_025), force: true })).json<{ errors: { pointer: string }[] }>();

    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/comment', '/force', '/reason']);
    expect(parts.gateway.sent).toEqual([]);
  });

  it('is one command for one key and run; the same key on another run is another', async () => {
    for (const id of [RUN, RUN, OTHER_RUN]) await post(`/api/executions/${id}/cancel`, {}, { 'idempotency-key': 'k' });
    const [first, same, other] = parts.gateway.sent.map(({ commandId }) => commandId);

    expect([first, same]).toEqual([clientCommandId('default', 'user:local', `POST ${self}/cancel`, 'k'), first]);
    expect(other).toBe(clientCommandId('default', 'user:local', `POST /api/executions/${OTHER_RUN}/cancel`, 'k'));
  });
});

describe('POST /api/executions/{id}/resume', () => {
  it('answers 202 with the new run', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '12', result: { executionId: OTHER_RUN } });
    const answer = await post(`${self}/resume`, {});

    expect([answer.statusCode, answer.headers['location'], answer.json()]).toEqual([202, `/api/executions/${OTHER_RUN}`, { id: OTHER_RUN, position: '12', links: links(OTHER_RUN) }]);
    expect(parts.gateway.sent[0]?.command).toEqual({ type: 'execution.resume.v1', payload: { executionId: RUN } });
  });

  it('answers 409 while the run goes on, and takes no fields', async () => {
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'EXECUTION_RUNNING', detail: 'wait for its end, or cancel it' } });

    expect((await post(`${self}/resume`)).statusCode).toBe(409);
    expect((await post(`${self}/resume`, { from: 'greet' })).json<{ code: string }>().code).toBe('REQUEST_INVALID');
  });
});
