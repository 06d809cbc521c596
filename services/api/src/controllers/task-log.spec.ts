import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NoTaskLog } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';
import { OTHER_RUN, RUN } from '../../fixtures/histories.ts';

const TEXT = 'first line\n<b>é</b>\n';

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
  parts.logs.set(`${RUN}/greet/null`, { kind: 'log', executionId: RUN, taskId: 'greet', attempt: 2, text: TEXT });
  parts.logs.set(`${RUN}/greet/1`, { kind: 'log', executionId: RUN, taskId: 'greet', attempt: 1, text: '' });
});

afterEach(() => app.close());

const get = (rest: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url: `/api/executions/${rest}`, headers });

describe('GET /api/executions/{id}/tasks/{task}/log', () => {
  it('answers plain text that no browser takes for a page, of the latest attempt', async () => {
    const answer = await get(`${RUN}/tasks/greet/log`);
    expect([answer.statusCode, answer.body, answer.headers['content-type'], answer.headers['maestro-attempt'], answer.headers['cache-control'], answer.headers['x-content-type-options']]).toEqual([
      200, TEXT, 'text/plain; charset=utf-8', '2', 'no-store', 'nosniff',
    ]);
  });

  it('answers JSON where that is asked for', async () => {
    const answer = await get(`${RUN}/tasks/greet/log`, { accept: 'application/json' });
    expect([answer.headers['content-type'], answer.json()]).toEqual(['application/json; charset=utf-8', { executionId: RUN, taskId: 'greet', attempt: 2, text: TEXT }]);
  });

  it('answers the attempt that is asked for; one that said nothing has an empty log', async () => {
    const answer = await get(`${RUN}/tasks/greet/log?attempt=1`);
    expect([answer.statusCode, answer.body, answer.headers['maestro-attempt']]).toEqual([200, '', '1']);
  });

  it.each<[string, NoTaskLog, number, string, string]>([
    ['there is no such task', { kind: 'task-missing' }, 404, 'TASK_NOT_FOUND', 'no task'],
    ['the task never ran', { kind: 'attempt-missing', attempt: null, reusedFrom: null }, 404, 'LOG_NOT_FOUND', 'never ran'],
    ['there is no such attempt', { kind: 'attempt-missing', attempt: 7, reusedFrom: null }, 404, 'LOG_NOT_FOUND', 'no attempt 7'],
    ['the output was taken over', { kind: 'attempt-missing', attempt: null, reusedFrom: OTHER_RUN }, 404, 'LOG_NOT_FOUND', OTHER_RUN],
    ['the attempt goes on', { kind: 'not-ended', attempt: 1 }, 404, 'LOG_NOT_READY', 'once its attempt has ended'],
    ['the values were erased', { kind: 'erased' }, 409, 'VALUES_ERASED', 'erased'],
    ['there is no such run', { kind: 'missing' }, 404, 'EXECUTION_NOT_FOUND', 'no run'],
  ])('says by name that %s', async (_, none, status, code, detail) => {
    parts.logs.set(`${RUN}/greet/null`, none);
    const answer = await get(`${RUN}/tasks/greet/log`);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code]);
    expect(answer.json<{ detail: string }>().detail).toContain(detail);
    expect(answer.headers['retry-after']).toBe(code === 'LOG_NOT_READY' ? '1' : undefined);
  });

  it.each([['?attempt=0'], ['?attempt=1.5'], ['?attempt=x'], ['?attempt=1001'], ['?try=1']])('refuses %s', async (query) => {
    expect((await get(`${RUN}/tasks/greet/log${query}`)).statusCode).toBe(400);
  });

  it('names no run for an id that cannot be one', async () => {
    expect((await get('nobody/tasks/greet/log')).json()).toMatchObject({ code: 'EXECUTION_NOT_FOUND' });
  });
});
