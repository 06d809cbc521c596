import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { projectExecution } from '@maestro/domain';
import type { ExecutionRow, Recorded } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import { Parts, openApi } from '../../fixtures/api.ts';
import { MANIFEST, RUN, append, draftSaved, publishedWorkflow, runRequested } from '../../fixtures/histories.ts';

type Plan = {
  workflow: { version: string; source: string };
  plan: { levels: string[][]; criticalPath: string[]; tasks: { id: string; with: unknown; lateBound: boolean }[] };
  decisions: { stage: string; pack: string; allow: boolean; violations: { code: string }[] }[];
  estimatedCostUSD: number;
  estimate: { basis: string; runs: number; lowMicroUsd: number; expectedMicroUsd: number; highMicroUsd: number };
  wouldStart: boolean;
  problems: { pointer: string; code: string }[];
};

let parts: Parts;
let app: NestFastifyApplication;

beforeEach(async () => {
  parts = new Parts();
  app = await openApi(parts);
});

afterEach(() => app.close());

const dryRun = (payload?: object, id = 'hello-world') => app.inject({ method: 'POST', url: `/api/workflows/${id}/dry-run`, ...(payload === undefined ? {} : { payload }) });

describe('POST /api/workflows/{id}/dry-run', () => {
  it('plans, asks policy, prices, and appends nothing', async () => {
    await publishedWorkflow(parts.store);
    const before = await parts.store.readAll({ after: null, limit: 100 });
    const answer = await dryRun({ version: '1.0.0', inputs: { who: 'you' } });

    expect(answer.statusCode).toBe(200);
    const { decisions, ...plan } = answer.json<Plan>();
    expect(plan).toEqual(
      expect.objectContaining({
        workflow: expect.objectContaining({ version: '1.0.0', source: 'published' }),
        plan: {
          levels: [['greet'], ['again']],
          criticalPath: ['greet', 'again'],
          tasks: [
            expect.objectContaining({ id: 'greet', with: { text: 'hello you' }, lateBound: false }),
            expect.objectContaining({ id: 'again', with: { text: '${{ tasks.greet.outputs.text }}' }, lateBound: true }),
          ],
        },
        estimatedCostUSD: 0.00002,
        estimate: {
          currency: 'USD',
          basis: 'declared',
          runs: 0,
          lowMicroUsd: 20,
          expectedMicroUsd: 20,
          highMicroUsd: 6_000,
          tasks: ['greet', 'again'].map((id) => ({ id, lowMicroUsd: 10, expectedMicroUsd: 10, highMicroUsd: 3_000 })),
        },
        wouldStart: true,
        problems: [],
      }),
    );
    expect(decisions.map(({ stage, pack, allow }) => [stage, pack, allow])).toEqual([['start', 'residency', true]]);
    expect(await parts.store.readAll({ after: null, limit: 100 })).toEqual(before);
    expect(parts.gateway.sent).toEqual([]);
  });

  it('prices by past runs of the version that succeeded, where there are five', async () => {
    const position = await publishedWorkflow(parts.store);
    const requested = { event: runRequested(), revision: 0, at: '2026-01-05T10:00:00.000Z', actor: 'user:local', stream: `execution-${RUN}` } as unknown as Recorded;
    const row = projectExecution(undefined, requested) as ExecutionRow;
    const rows = [7, 5, 9, 6, 8].map((costMicroUsd, i) => ({ ...row, id: RUN.replace(/1$/, String(i)), status: 'succeeded' as const, costMicroUsd }));
    const others = [{ ...rows[0], id: RUN.replace(/1$/, 'f'), version: '0.9.0', costMicroUsd: 1 }, { ...rows[0], id: RUN.replace(/1$/, '9'), status: 'failed', costMicroUsd: 1 }] as ExecutionRow[];
    await parts.views.apply({ cursor: position, events: 4, upserts: { execution: [...rows.slice(0, 4), ...others] } });
    const { estimate: early } = (await dryRun({ version: '1.0.0' })).json<Plan>();
    await parts.views.apply({ cursor: position, events: 1, upserts: { execution: rows.slice(4) } });
    const { estimate, estimatedCostUSD } = (await dryRun({ version: '1.0.0' })).json<Plan>();

    expect([early.basis, estimate.basis, estimate.runs]).toEqual(['declared', 'history', 5]);
    expect([estimate.lowMicroUsd, estimate.expectedMicroUsd, estimate.highMicroUsd, estimatedCostUSD]).toEqual([5, 7, 6_000, 0.000007]);
  });

  it('judges a draft for publication as well', async () => {
    await append(parts.store, 'workflow-hello-world', [draftSaved()]);
    const { decisions, workflow } = (await dryRun()).json<Plan>();

    expect(workflow.source).toBe('draft');
    expect(decisions.map(({ stage }) => stage)).toEqual(['publish', 'start']);
  });

  it('shows policy the region of the request before any other', async () => {
    await publishedWorkflow(parts.store);
    parts.policies.denies = (input) => (input['request'] as { region: string }).region === 'KP';
    const allowed = (await dryRun({ version: '1.0.0' })).json<Plan>();
    const denied = (await dryRun({ version: '1.0.0', region: 'KP' })).json<Plan>();

    expect([allowed.wouldStart, denied.wouldStart]).toEqual([true, false]);
    expect(denied.decisions[0]?.violations).toEqual([expect.objectContaining({ code: 'REGION_BANNED' })]);
  });

  it('denies under its own code where policy cannot be asked', async () => {
    await publishedWorkflow(parts.store);
    parts.policies.fault = new Fault('EVALUATION_FAILED', 'out of memory');
    const plan = (await dryRun({ version: '1.0.0' })).json<Plan>();

    expect([plan.wouldStart, plan.decisions]).toEqual([false, [expect.objectContaining({ allow: false, violations: [{ code: 'EVALUATION_FAILED', path: [], params: {} }] })]]);
  });

  it('names an input that nobody gives and an argument that the package refuses', async () => {
    const [greet, again] = MANIFEST.tasks;
    const manifest = { ...MANIFEST, inputs: { number: 1 }, tasks: [{ ...greet, with: { text: '${{ inputs.missing }}' } }, { ...again, needs: [], with: { text: '${{ inputs.number }}' } }] };
    await append(parts.store, 'workflow-hello-world', [draftSaved(manifest as never)]);
    const plan = (await dryRun()).json<Plan>();

    expect(plan.problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/tasks/0/with/text', 'EXPRESSION_UNRESOLVED'],
      ['/tasks/1/with/text', 'INPUT_MISMATCH'],
    ]);
    expect(plan.wouldStart).toBe(false);
  });

  it('says that a package has gone since the manifest was accepted', async () => {
    const [greet] = MANIFEST.tasks;
    await append(parts.store, 'workflow-hello-world', [draftSaved({ ...MANIFEST, tasks: [{ ...greet, uses: 'pkg:core/gone@1.0.0' }] } as never)]);
    const plan = (await dryRun()).json<Plan>();

    expect([plan.wouldStart, plan.problems.map(({ code }) => code), plan.plan.tasks]).toEqual([false, ['PACKAGE_UNKNOWN'], []]);
  });

  it('knows neither other workflows nor other versions', async () => {
    await publishedWorkflow(parts.store);

    expect((await dryRun({}, 'somebody')).json()).toEqual(expect.objectContaining({ status: 404, code: 'WORKFLOW_NOT_FOUND' }));
    expect((await dryRun({ version: '9.0.0' })).json()).toEqual(expect.objectContaining({ status: 404, code: 'VERSION_NOT_FOUND' }));
  });
});
