import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Parts, openApi } from '../../fixtures/api.ts';
import { OTHER_RUN, RUN, RUN_EVENTS, append, runCompleted, runRequested, taskFailed, taskSkipped } from '../../fixtures/histories.ts';

type Shown = { status: string; revision: number; position: string; finishedAt: string | null; tasks: { phase: string }[] };
type Graph = { nodes: { id: string; level: number; phase: string }[]; edges: { from: string; to: string; state: string }[]; revision: number };

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const self = `/api/executions/${RUN}`;
const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });
const at = (moment: string) => get(`${self}?at=${encodeURIComponent(moment)}`);
/** Three commits, a minute apart. */
const MINUTES = ['2026-01-05T10:00:00.000Z', '2026-01-05T10:01:00.000Z', '2026-01-05T10:02:00.000Z'];

async function threeCommits(): Promise<string[]> {
  const commits = [RUN_EVENTS.slice(0, 2), RUN_EVENTS.slice(2, 5), RUN_EVENTS.slice(5)];
  const cursors: string[] = [];
  for (const [i, events] of commits.entries()) cursors.push(await append(parts.store, `execution-${RUN}`, events, { at: MINUTES[i] as string }));
  return cursors;
}

describe('GET /api/executions/{id}?at', () => {
  it('shows the run as it was after a revision', async () => {
    await threeCommits();
    const seen: unknown[] = [];
    for (const revision of [0, 3, 4, 5, 8]) {
      const { status, revision: shown, tasks } = (await at(String(revision))).json<Shown>();
      seen.push([shown, status, tasks.map(({ phase }) => phase).join()]);
    }

    expect(seen).toEqual([
      [0, 'checking', 'waiting,waiting'],
      [3, 'running', 'waiting,waiting'],
      [4, 'running', 'scheduled,waiting'],
      [5, 'running', 'succeeded,waiting'],
      [8, 'succeeded', 'succeeded,succeeded'],
    ]);
  });

  it('shows the run as it was at a time, with whole commits and the position of the last one', async () => {
    const cursors = await threeCommits();
    const seen: unknown[] = [];
    for (const time of ['2026-01-05T10:00:00Z', '2026-01-05T10:01:59.999Z', '2026-01-05T11:02:00+01:00', '2026-01-06T00:00:00Z']) {
      const { revision, position, finishedAt } = (await at(time)).json<Shown>();
      seen.push([revision, position, finishedAt]);
    }

    expect(seen).toEqual([
      [1, cursors[0], null],
      [4, cursors[1], null],
      [8, cursors[2], MINUTES[2]],
      [8, cursors[2], MINUTES[2]],
    ]);
  });

  it.each([
    ['before it began', '2026-01-05T09:59:59.999Z'],
    ['after now', '9999-01-01T00:00:00Z'],
    ['of a revision that has not come', '9'],
  ])('answers 404 STATE_NOT_KNOWN for a moment %s', async (_name, moment) => {
    await threeCommits();
    const answer = await at(moment);

    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'STATE_NOT_KNOWN']);
  });

  it.each(['', 'yesterday', '-1', '1.5', '2026-01-05', '2026-01-05T10:00:00', '2026-13-05T10:00:00Z', '9'.repeat(16)])('answers 400 for "%s"', async (moment) => {
    await threeCommits();

    expect((await at(moment)).json()).toEqual(expect.objectContaining({ status: 400, errors: [expect.objectContaining({ pointer: '/at' })] }));
  });

  it('answers 404 for an unknown run, whatever the moment', async () => {
    for (const query of ['', '?at=0']) expect((await get(`/api/executions/${OTHER_RUN}${query}`)).json<{ code: string }>().code).toBe('EXECUTION_NOT_FOUND');
  });
});

describe('the entity tag of a run', () => {
  it('spares who holds the state, until the next event', async () => {
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(0, 5));
    for (const url of [self, `${self}/graph`]) {
      const etag = String((await get(url)).headers['etag']);
      const again = await get(url, { 'if-none-match': `"other", W/${etag}` });
      expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', etag]);
    }
    const etag = String((await get(self)).headers['etag']);
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(5));

    expect((await get(self, { 'if-none-match': etag })).statusCode).toBe(200);
    expect((await get(`${self}?at=4`, { 'if-none-match': etag })).statusCode).toBe(304);
  });
});

describe('GET /api/executions/{id}/graph', () => {
  it('shows nodes with levels and phases, and edges with states', async () => {
    await append(parts.store, `execution-${RUN}`, RUN_EVENTS.slice(0, 6));
    const graph = (await get(`${self}/graph`)).json<Graph>();

    expect(graph.nodes.map(({ id, level, phase }) => [id, level, phase])).toEqual([
      ['greet', 0, 'succeeded'],
      ['again', 1, 'waiting'],
    ]);
    expect(graph.edges).toEqual([{ from: 'greet', to: 'again', state: 'satisfied' }]);
  });

  it('shows what is broken, and what was open before', async () => {
    await append(parts.store, `execution-${RUN}`, [...RUN_EVENTS.slice(0, 5), taskFailed('greet'), taskSkipped('again'), runCompleted('failed')]);

    expect((await get(`${self}/graph`)).json<Graph>().edges[0]?.state).toBe('broken');
    expect((await get(`${self}/graph?at=4`)).json<Graph>()).toMatchObject({ revision: 4, edges: [{ state: 'open' }] });
  });

  it('puts a task below all that it needs, in whatever order the manifest names them', async () => {
    const requested = runRequested();
    if (requested.type !== 'execution.requested.v1') throw new Error('not a request');
    const [shape] = requested.data.tasks;
    if (shape === undefined) throw new Error('no task');
    const needs: readonly (readonly [string, string[]])[] = [['d', ['c', 'a']], ['c', ['b']], ['b', ['a']], ['a', []], ['e', []]];
    const tasks = needs.map(([id, list]) => ({ ...shape, id, needs: list, reads: [] })) as unknown as typeof requested.data.tasks;
    await append(parts.store, `execution-${RUN}`, [{ ...requested, data: { ...requested.data, tasks } }]);
    const { nodes } = (await get(`${self}/graph`)).json<Graph>();

    expect(nodes.map(({ id, level }) => `${id}${level}`).join()).toBe('d3,c2,b1,a0,e0');
  });
});
