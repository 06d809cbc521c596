import { traceContextOf } from '@maestro/domain';
import { manifest, start, task } from '../../fixtures/commands.ts';
import type { Point } from '../../fixtures/gated-ports.ts';
import { RecordingTracer } from '../../fixtures/recording-tracer.ts';
import { succeededWith } from '../../fixtures/scripted-ports.ts';
import { World } from '../../fixtures/world.ts';
import { tracedEdge, tracedHandling } from './traced-gateway.ts';

const DOCUMENT = manifest([task('a', [], { with: { text: '${{ inputs.name }}' } }), task('b', ['a'], { with: { text: '${{ tasks.a.outputs.text }}!' } })], { inputs: { name: 'Ada' } });

/** The context of a caller. */
const MINE = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

/** The trace of the request that started a run, as its events hold it. */
function traceIdOf(world: World, id: string): string {
  const [requested] = world.of(`execution-${id}`);
  return traceContextOf(requested?.correlationId ?? '')?.split('-')[1] ?? 'none';
}

describe('a traced run', () => {
  it('is one connected trace, from the request over policy and tasks to the receipt', async () => {
    const tracer = new RecordingTracer();
    const world = await World.open({ tracer });
    await world.published(DOCUMENT);
    const id = await world.started();
    await world.ended(id);
    const spans = tracer.spans.filter(({ traceId }) => traceId === traceIdOf(world, id));
    expect(tracer.orphans()).toEqual([]);
    expect(spans.filter(({ parentId }) => parentId === null).map(({ name }) => name)).toEqual(['receive execution.start.v1']);
    const counts = Object.fromEntries([...Map.groupBy(spans, ({ name }) => name)].map(([name, each]) => [name, each.length]));
    expect(counts).toEqual({
      'receive execution.start.v1': 1,
      'handle execution.start.v1': 1,
      append: 5,
      'hand out policy-check': 2,
      'check start': 1,
      'check task': 1,
      'handle execution.record-policy-decision.v1': 2,
      'hand out task': 2,
      'run pkg:test/echo@1.0.0': 2,
      'handle execution.report-task.v1': 2,
      'sign receipt': 1,
      'name receipt': 1,
    });
    expect(spans.every(({ end }) => end === 'done')).toBe(true);
  });

  it('has the same context in each of its events, and in its receipt', async () => {
    const world = await World.open({ tracer: new RecordingTracer() });
    await world.published(DOCUMENT);
    const id = await world.started();
    const events = [...(await world.ended(id)), ...world.of(`receipt-${id}`)];
    const ids = new Set(events.map(({ correlationId }) => correlationId));
    expect([...ids].map(traceContextOf)).toEqual([...ids]);
    expect(ids.size).toBe(1);
  });

  it('goes on with the trace of a caller who has one', async () => {
    const tracer = new RecordingTracer();
    const world = await World.open({ tracer });
    await world.published(DOCUMENT);
    const answer = await world.send({ ...start('mine'), traceparent: MINE });
    const id = answer.kind === 'ok' ? String(answer.result['executionId']) : '';
    await world.ended(id);
    expect(traceIdOf(world, id)).toBe('ab'.repeat(16));
    expect(tracer.spans.find(({ traceId }) => traceId === 'ab'.repeat(16))).toMatchObject({ name: 'receive execution.start.v1', parentId: 'cd'.repeat(8) });
  });

  it('stays the same trace through a crash at any call of any role', async () => {
    const crashAfter = async (at: number): Promise<number> => {
      const tracer = new RecordingTracer();
      const world = await World.open({ tracer });
      await world.published(DOCUMENT);
      let calls = 0;
      world.hook = (_: Point) => {
        calls += 1;
        if (calls - 1 === at) world.crash();
      };
      const answer = await world.send({ ...start('run'), traceparent: MINE });
      const id = answer.kind === 'ok' ? String(answer.result['executionId']) : '';
      await world.ended(id, 600_000);
      world.hook = () => undefined;
      expect(tracer.orphans().map(({ parentId }) => parentId).filter((parentId) => !MINE.includes(String(parentId)))).toEqual([]);
      const ofRun = tracer.spans.filter(({ attributes }) => attributes['maestro.stream'] === `execution-${id}` || attributes['maestro.execution.id'] === id);
      expect(new Set(ofRun.map(({ traceId }) => traceId))).toEqual(new Set([MINE.split('-')[1]]));
      expect(world.lives).toBe(at < calls ? 2 : 1);
      return calls;
    };
    const calls = await crashAfter(Number.POSITIVE_INFINITY);
    expect(calls).toBeGreaterThan(15);
    for (let at = 0; at < calls; at += 1) await crashAfter(at);
  });

  it('shows which work failed', async () => {
    const tracer = new RecordingTracer();
    const gateway = tracedEdge({ send: () => Promise.reject(new Error('no')) }, tracer);
    await expect(gateway.send(start('run'))).rejects.toThrow('no');
    expect(tracer.spans.map(({ name, end }) => [name, end])).toEqual([['receive execution.start.v1', 'failed']]);
  });
});

describe('a run that nobody traces', () => {
  it('has no trace, though the roles have a tracer: only an edge begins one', async () => {
    const tracer = new RecordingTracer();
    const world = await World.open({ tracer });
    await world.published(DOCUMENT);
    const before = tracer.spans.length;
    const answer = await world.role.gateway.send(start('inside'));
    const id = answer.kind === 'ok' ? String(answer.result['executionId']) : '';
    const events = await world.ended(id);
    expect(tracer.spans.slice(before)).toEqual([]);
    expect(events[0]?.correlationId).toBe(start('inside').correlationId);
  });

  it('passes every call on as it is where there is no tracer', async () => {
    const gateway = { send: () => Promise.reject(new Error('not called')) };
    expect(tracedEdge(gateway, undefined)).toBe(gateway);
    expect(tracedHandling(gateway, undefined)).toBe(gateway);
    const world = await World.open();
    world.packages.play = async ({ input }) => succeededWith(input);
    await world.published(DOCUMENT);
    const id = await world.started();
    expect((await world.ended(id)).map(({ correlationId }) => traceContextOf(correlationId))).not.toContainEqual(expect.any(String));
  });
});
