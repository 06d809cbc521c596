import { ManualClock } from '@maestro/adapter-memory';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { projectViews } from '@maestro/runtime';
import { Parts, openApi } from '../../fixtures/api.ts';
import { H, OTHER_RUN, RUN, RUN_EVENTS, append, checkRequested, draftSaved, publishDecided, publishDenied, publishRequested, publishedWorkflow, runDecided, runDenied, runRequested } from '../../fixtures/histories.ts';

type Page = { readonly items: readonly { readonly id: string }[]; readonly next: string | null; readonly position: string | null; readonly upToDate: boolean; readonly lagMs: number };

let parts: Parts;
let app: NestFastifyApplication;
let clock: ManualClock;
let projector: AbortController;

/** Folds, until `projector` is aborted, what is in the store and what comes. */
function startProjector(): Promise<void> {
  projector = new AbortController();
  const { store, views, log } = parts;
  return projectViews({ store, views, clock, log, metrics: { count: () => undefined, gauge: () => undefined, observe: () => undefined } }, projector.signal);
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

beforeEach(async () => {
  parts = new Parts();
  clock = new ManualClock(Date.parse('2026-01-05T10:00:05.000Z'));
  app = await openApi(parts, { positionWaitMs: 2_000 }, { clock });
  projector = new AbortController();
});

afterEach(async () => {
  projector.abort();
  await app.close();
});

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });
const page = async (url: string): Promise<Page> => (await get(url)).json<Page>();
const ids = async (url: string): Promise<readonly string[]> => (await page(url)).items.map(({ id }) => id);

/** A published workflow, a run that succeeded and one that was denied, all folded. */
async function folded(): Promise<string> {
  await publishedWorkflow(parts.store);
  await append(parts.store, `execution-${RUN}`, RUN_EVENTS);
  const position = await append(parts.store, `execution-${OTHER_RUN}`, [runRequested(OTHER_RUN), checkRequested, runDecided(false), runDenied], { at: '2026-01-05T10:00:02.000Z' });
  void startProjector();
  await settled();
  return position;
}

describe('GET /api/executions', () => {
  it('narrows by workflow, status, actor, labels and time, all of them at once', async () => {
    await folded();

    expect(await ids('/api/executions')).toEqual([OTHER_RUN, RUN]);
    expect(await ids('/api/executions?order=asc')).toEqual([RUN, OTHER_RUN]);
    expect(await ids('/api/executions?status=denied')).toEqual([OTHER_RUN]);
    expect(await ids('/api/executions?workflow=hello-world&actor=user:local&label=team:one&status=succeeded')).toEqual([RUN]);
    expect(await ids('/api/executions?label=team:one&label=team:two')).toEqual([]);
    expect(await ids('/api/executions?from=2026-01-05T11:00:01%2B01:00')).toEqual([OTHER_RUN]);
    expect(await ids('/api/executions?to=2026-01-05T10:00:02Z')).toEqual([RUN]);
    expect(await ids('/api/executions?sort=costMicroUsd')).toEqual([RUN, OTHER_RUN]);
    expect(await ids('/api/executions?sort=finishedAt')).toEqual([OTHER_RUN, RUN]);
  });

  it('pages; a cursor belongs to one list with its filters and order', async () => {
    const position = await folded();
    const first = await page('/api/executions?limit=1');
    const second = await page(`/api/executions?limit=1&after=${first.next}`);

    expect(first).toEqual({ items: [expect.objectContaining({ id: OTHER_RUN, labels: { team: 'one' } })], next: expect.any(String), position, upToDate: true, lagMs: 0 });
    expect([second.items.map(({ id }) => id), second.next]).toEqual([[RUN], null]);
    for (const other of ['executions?status=failed', 'executions?order=asc', 'executions?sort=finishedAt', 'workflows?limit=1', 'executions?label=a:b']) {
      const answer = await get(`/api/${other}&after=${first.next}`);
      expect([other, answer.statusCode, answer.json<{ code: string }>().code]).toEqual([other, 400, 'CURSOR_INVALID']);
    }
  });

  it('says what is wrong with every parameter at once', async () => {
    const answer = await get('/api/executions?limit=201&label=none&from=yesterday&sort=name&order=up&status=lost&actor=&colour=red');

    expect(answer.json()).toEqual(expect.objectContaining({ status: 400, code: 'REQUEST_INVALID' }));
    const pointers = answer.json<{ errors: readonly { readonly pointer: string }[] }>().errors.map(({ pointer }) => pointer);
    expect(pointers.sort()).toEqual(['/actor', '/colour', '/from', '/label', '/limit', '/order', '/sort', '/status']);
    expect((await get(`/api/executions?${'label=a:b&'.repeat(11)}`)).statusCode).toBe(400);
  });
});

describe('GET /api/workflows', () => {
  it('narrows by the beginning of the name, in any spelling', async () => {
    await folded();

    expect(await ids('/api/workflows?prefix=Hello')).toEqual(['hello-world']);
    expect(await ids('/api/workflows?prefix=world')).toEqual([]);
    expect((await page('/api/workflows')).items).toEqual([expect.objectContaining({ stable: '1.0.0', publication: { checkId: 'publish/1', actor: 'user:local' } })]);
  });
});

describe('GET /api/decisions', () => {
  it('tells who decided what, with codes and digests, of runs and publications', async () => {
    await folded();
    const denied = (await page('/api/decisions?allow=false')).items;

    expect(denied).toEqual([expect.objectContaining({ executionId: OTHER_RUN, workflowId: 'hello-world', stage: 'start', allow: false, setDigest: H('5'), packs: [expect.objectContaining({ violations: ['REGION_BANNED'], packDigest: H('6') })] })]);
    expect(await ids('/api/decisions?code=REGION_BANNED')).toEqual(denied.map(({ id }) => id));
    expect(await ids('/api/decisions?pack=residency&workflow=hello-world')).toHaveLength(3);
    expect(await ids(`/api/decisions?execution=${RUN}`)).toHaveLength(1);
    expect(await ids('/api/decisions?stage=publish&allow=true')).toHaveLength(1);
    expect(await ids('/api/decisions?stage=task')).toEqual([]);
  });
});

describe('GET /api/audit', () => {
  it('tells who published and who was denied', async () => {
    await append(parts.store, 'workflow-hello-world', [draftSaved(), publishRequested, publishDecided(false), publishDenied]);
    await append(parts.store, `execution-${OTHER_RUN}`, [runRequested(OTHER_RUN), checkRequested, runDecided(false), runDenied], { at: '2026-01-05T10:00:02.000Z' });
    void startProjector();
    await settled();

    expect((await page('/api/audit')).items).toEqual([
      expect.objectContaining({ action: 'run-denied', actor: 'user:local', subject: OTHER_RUN, subjectKind: 'execution', detail: { checkId: 'start', reason: 'POLICY_DENIED', violations: ['REGION_BANNED'] } }),
      expect.objectContaining({ action: 'publish-denied', actor: 'user:local', subject: 'hello-world', subjectKind: 'workflow' }),
    ]);
    expect(await ids('/api/audit?action=run-denied&actor=user:local')).toHaveLength(1);
    expect(await ids('/api/audit?subject=Hello-World&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z')).toHaveLength(1);
    expect(await ids('/api/audit?actor=user:nobody')).toEqual([]);
  });

  it('tells who sent what nobody lets them send, though it left no event', async () => {
    const one = { commandId: H('1'), type: 'workflow.promote.v1', at: '2026-01-05T10:00:02.000Z', actor: 'user:eve', stream: 'workflow-hello-world', reason: 'not yours' };
    const other = { commandId: H('2'), type: 'execution.cancel.v1', at: '2026-01-05T10:00:01.000Z', actor: 'user:mallory', stream: `execution-${RUN}`, reason: 'not yours either' };
    parts.forbidden = [one, other];

    expect((await page('/api/audit?action=forbidden')).items).toEqual([
      { id: H('1'), at: one.at, actor: 'user:eve', action: 'forbidden', subject: 'hello-world', subjectKind: 'workflow', detail: { type: 'workflow.promote.v1', reason: 'not yours' } },
      expect.objectContaining({ id: H('2'), subject: RUN, subjectKind: 'execution' }),
    ]);
    expect(await ids('/api/audit?action=forbidden&order=asc&limit=1')).toEqual([H('2')]);
    expect(await ids('/api/audit?action=forbidden&actor=user:eve&subject=Hello-World')).toEqual([H('1')]);
    expect(await ids('/api/audit?action=forbidden&subject=hello-world&actor=user:mallory')).toEqual([]);
    expect(await ids('/api/audit?action=forbidden&from=2026-01-05T10:00:02Z')).toEqual([H('1')]);
    expect(await ids('/api/audit?action=forbidden&to=2026-01-05T10:00:02Z')).toEqual([H('2')]);
    expect(await ids('/api/audit')).toEqual([]);
  });
});

describe('a position that a caller wrote', () => {
  it('is waited for 2 s while the projector stands still, then refused with Retry-After; once it folds again, it is answered', async () => {
    await folded();
    projector.abort();
    await settled();
    const position = await append(parts.store, 'workflow-hello-world', [draftSaved()]);
    const startedMs = clock.nowMs();
    const refused = get('/api/executions', { 'maestro-position': position });
    let answered = false;
    void refused.then(() => (answered = true));
    while (!answered && clock.nowMs() < startedMs + 10_000) {
      await settled();
      if (!answered && clock.nextDueMs !== undefined) clock.advance(clock.nextDueMs - clock.nowMs());
    }
    const answer = await refused;

    expect([answer.statusCode, answer.headers['retry-after'], answer.json<{ code: string }>().code]).toEqual([503, '1', 'READ_MODEL_BEHIND']);
    expect(clock.nowMs() - startedMs).toBe(2_000);

    const late = await page('/api/executions');
    expect([late.upToDate, late.lagMs]).toEqual([false, clock.nowMs() - Date.parse('2026-01-05T10:00:00.000Z')]);

    void startProjector();
    await settled();
    const again = await get(`/api/executions?position=${position}`);
    expect([again.statusCode, again.json<Page>().upToDate, again.json<Page>().position]).toEqual([200, true, position]);
  });

  it('must be one of this store', async () => {
    await folded();

    expect((await get('/api/audit?position=another.7')).json()).toEqual(expect.objectContaining({ status: 400, code: 'CURSOR_INVALID' }));
    expect((await get('/api/audit', { 'maestro-position': 'a b' })).json()).toEqual(expect.objectContaining({ status: 400, code: 'REQUEST_INVALID' }));
  });
});

describe('/api/read-models', () => {
  it('tells how far they are; asked to, the projector makes them anew', async () => {
    const position = await folded();
    const before = (await get('/api/read-models')).json();
    projector.abort();
    await settled();
    const asked = await app.inject({ method: 'POST', url: '/api/read-models/rebuild' });
    void startProjector();
    await settled();
    const served = { projection: expect.any(Number), position, events: 17 };

    expect(before).toEqual({ served, filling: null, rebuildRequested: false });
    expect([asked.statusCode, asked.json()]).toEqual([202, { served, filling: null, rebuildRequested: true }]);
    expect((await get('/api/read-models')).json()).toEqual({ served, filling: null, rebuildRequested: false });
    expect(parts.log.lines.map(({ message }) => message)).toContain('new read models are served');
  });
});
