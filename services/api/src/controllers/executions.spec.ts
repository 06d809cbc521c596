import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Parts, openApi } from '../../fixtures/api.ts';
import { OTHER_RUN, RUN, RUN_EVENTS, append, appendFromFuture, checkRequested, runCompleted, runDecided, runDenied, runRequested, runStarted, taskFailed, taskScheduled, taskSkipped } from '../../fixtures/histories.ts';

type Shown = { status: string; phase: string; verdict: string | null; tasks: { id: string; phase: string; code: string | null; reason: string | null; costMicroUsd: number }[] };

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });
const start = (payload: object, headers: Record<string, string> = {}) => app.inject({ method: 'POST', url: '/api/executions', payload, headers });

describe('POST /api/executions', () => {
  it('answers 202 with id, position and links', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '9', result: { executionId: RUN } });
    const answer = await start({ workflowId: 'hello-world', inputs: { a: 1 }, rollout: 'canary' });
    const self = `/api/executions/${RUN}`;

    expect([answer.statusCode, answer.headers['location'], answer.json()]).toEqual([
      202,
      self,
      { id: RUN, position: '9', links: { self, events: `${self}/events`, receipt: `${self}/receipt`, verify: `${self}/verify` } },
    ]);
    expect(parts.gateway.sent[0]?.command).toEqual({
      type: 'execution.start.v1',
      payload: { executionId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/), workflowId: 'hello-world', version: null, inputs: { a: 1 }, rollout: 'canary', region: null },
    });
  });

  it('leaves the id to the key where there is one, so that a repeat finds the same run', async () => {
    parts.gateway.answer = () => ({ kind: 'ok', position: '9', result: { executionId: RUN } });
    await start({ workflowId: 'hello-world' }, { 'idempotency-key': 'k' });
    expect(parts.gateway.sent[0]?.command.payload).toEqual(expect.objectContaining({ executionId: null }));
  });

  it('answers 404 for an unknown workflow and 422 for a key that was used for something else', async () => {
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'WORKFLOW_NOT_FOUND', detail: 'there is no workflow' } });
    expect((await start({ workflowId: 'nobody' })).statusCode).toBe(404);
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'COMMAND_ID_REUSED', detail: 'other body' } });
    expect((await start({ workflowId: 'hello-world' }, { 'idempotency-key': 'k' })).statusCode).toBe(422);
  });

  it('names every wrong field', async () => {
    const { errors } = (await start({ workflowId: 'x', rollout: 'half', inputs: [], region: '', extra: 1 })).json<{ errors: { pointer: string }[] }>();

    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/extra', '/inputs', '/region', '/rollout', '/workflowId']);
  });
});

describe('GET /api/executions/{id}', () => {
  it('shows a finished run from its events', async () => {
    const position = await append(parts.store, `execution-${RUN}`, RUN_EVENTS);
    const answer = await get(`/api/executions/${RUN}`);

    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual(
      expect.objectContaining({
        id: RUN,
        status: 'succeeded',
        verdict: 'succeeded',
        phase: 'ended',
        requestedBy: 'user:local',
        cost: { currency: 'USD', microUsd: 2, usd: 0.000002 },
        labels: { team: 'one' },
        revision: 8,
        position,
        policyDecisions: [expect.objectContaining({ checkId: 'start', allow: true })],
        tasks: [
          expect.objectContaining({ id: 'greet', phase: 'succeeded', attempt: 1, durationMs: 12, public: { bytes: 3 } }),
          expect.objectContaining({ id: 'again', phase: 'succeeded', needs: ['greet'] }),
        ],
      }),
    );
  });

  it('shows why tasks did not succeed', async () => {
    await append(parts.store, `execution-${RUN}`, [...RUN_EVENTS.slice(0, 5), taskFailed('greet'), taskSkipped('again'), runCompleted('failed')]);
    const shown = (await get(`/api/executions/${RUN}`)).json<Shown>();

    expect([shown.status, shown.tasks.map(({ id, phase, code, reason }) => [id, phase, code, reason])]).toEqual([
      'failed',
      [
        ['greet', 'failed', 'HTTP_STATUS', null],
        ['again', 'skipped', null, 'upstream-failed'],
      ],
    ]);
  });

  it('is never older than the store', async () => {
    const seen: string[] = [];
    for (const [i, events] of [[runRequested(), checkRequested], [runDecided(true), runStarted], [taskScheduled('greet')]].entries()) {
      await append(parts.store, `execution-${RUN}`, events);
      seen.push(`${i}:${(await get(`/api/executions/${RUN}`)).json<Shown>().status}`);
    }
    await append(parts.store, `execution-${OTHER_RUN}`, [runRequested(OTHER_RUN), checkRequested, runDecided(false), runDenied]);

    expect(seen).toEqual(['0:checking', '1:running', '2:running']);
    expect((await get(`/api/executions/${OTHER_RUN}`)).json<Shown>().verdict).toBe('denied');
  });

  it('answers 404 for an unknown run, and 500 by name for one that it cannot read', async () => {
    await append(parts.store, `execution-${RUN}`, [runRequested(), checkRequested]);
    await appendFromFuture(parts.store, `execution-${RUN}`);

    expect((await get(`/api/executions/${OTHER_RUN}`)).json()).toEqual(expect.objectContaining({ status: 404, code: 'EXECUTION_NOT_FOUND' }));
    expect((await get(`/api/executions/${RUN}`)).json()).toEqual(expect.objectContaining({ status: 500, code: 'EVENT_FROM_NEWER_VERSION' }));
  });
});
