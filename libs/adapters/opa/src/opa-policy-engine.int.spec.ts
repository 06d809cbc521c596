import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Json } from '@maestro/domain';
import type { PolicyEngine } from '@maestro/ports';
import { EvaluationPool } from './evaluation-pool.ts';
import { openOpaPolicyEngine } from './opa-policy-engine.ts';
import { loadSets } from './pack-set.ts';

// The fixture set answers `input.answer` at publish and start; at task `input.spin` keeps it busy for many seconds.
const BUNDLES = fileURLToPath(new URL('../fixtures/bundles', import.meta.url));
const quiet = { ready: true, violations: [], obligations: [] };
const failed = (detail: string) =>
  expect.objectContaining({ code: 'EVALUATION_FAILED', message: expect.stringContaining(detail) });
const closed = expect.objectContaining({ code: 'STORE_CLOSED' });
const answering = (answer: Json): Json => ({ answer });
const marked = (n: number): Json => answering({ echo: { ...quiet, obligations: [{ code: 'MARK', path: [n], params: {} }] } });
const markOf = (result: Awaited<ReturnType<PolicyEngine['evaluate']>>) => result.packs[0]?.obligations[0]?.path[0];

describe('OPA policy engine', () => {
  let engine: PolicyEngine;
  let set: string;
  beforeEach(async () => {
    engine = await openOpaPolicyEngine({ bundlesDir: BUNDLES, poolSize: 1, timeoutMs: 10_000 });
    set = engine.active().setDigest;
  });
  afterEach(() => engine.close());

  const spin = (timeoutMs: number) => engine.evaluate(set, 'task', { spin: 'no letter' }, { timeoutMs });

  it('computes the decision itself, from readiness and violations', async () => {
    const violation = { code: 'NO', path: ['inputs', 0], params: { limit: 3 } };
    const both = await engine.evaluate(set, 'publish', answering({ echo: quiet, mute: { ...quiet, violations: [violation] } }));
    expect(both.allow).toBe(false);
    expect(both.packs).toEqual([
      { pack: 'echo', ready: true, allow: true, violations: [], obligations: [] },
      { pack: 'mute', ready: true, allow: false, violations: [violation], obligations: [] },
    ]);
    expect(both.durationUs).toBeGreaterThan(0);
    expect((await engine.evaluate(set, 'publish', answering({ echo: quiet, mute: quiet }))).allow).toBe(true);
  });

  it('denies where a pack is missing from the answer', async () => {
    const result = await engine.evaluate(set, 'publish', answering({ echo: quiet }));
    expect(result.allow).toBe(false);
    expect(result.packs[1]).toEqual(
      expect.objectContaining({ pack: 'mute', violations: [{ code: 'INPUT_INVALID', path: [], params: {} }] }),
    );
  });

  it.each([
    ['a pack that nobody asked', { echo: quiet, other: quiet }],
    ['a pack of another shape', { echo: { ...quiet, deny: [] } }],
    ['no object', 'allow'],
  ])('fails on %s', async (_, answer) => {
    await expect(engine.evaluate(set, 'start', answering(answer))).rejects.toEqual(failed('stage start'));
  });

  it.each([
    ['null', null],
    ['false', false],
    ['zero', 0],
    ['an empty text', ''],
  ])('denies the input %s', async (_, input) => {
    expect((await engine.evaluate(set, 'start', input)).allow).toBe(false);
  });

  it('refuses a set that it does not have', async () => {
    await expect(engine.evaluate('0'.repeat(64), 'start', {})).rejects.toEqual(
      expect.objectContaining({ code: 'PACK_SET_UNAVAILABLE' }),
    );
  });

  it('ends an evaluation that takes too long and goes on with the next', async () => {
    await expect(spin(50)).rejects.toEqual(failed('no result within 50 ms'));
    expect(markOf(await engine.evaluate(set, 'start', marked(7)))).toBe(7);
  });

  it('charges a time-out to the evaluation that overran, not to those behind it', async () => {
    const stuck = Promise.allSettled([spin(50)]);
    const behind = Array.from({ length: 40 }, (_, n) => engine.evaluate(set, 'start', marked(n), { timeoutMs: 10_000 }));
    const stuckToo = Promise.allSettled([spin(60)]);
    expect((await Promise.all(behind)).map(markOf)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    expect(await stuck).toEqual([{ status: 'rejected', reason: failed('no result within 50 ms') }]);
    expect(await stuckToo).toEqual([{ status: 'rejected', reason: failed('no result within 60 ms') }]);
  });

  it('takes a result that came in time, though its own event loop was blocked beyond the limit', async () => {
    await engine.evaluate(set, 'start', marked(0));
    // in the phase after which the loop looks at its timers first
    await new Promise((resolve) => setImmediate(resolve));
    const late = engine.evaluate(set, 'start', marked(3), { timeoutMs: 20 });
    // the request leaves in a microtask; then the loop stands still, and its timer is due before its messages are read
    await Promise.resolve();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    expect(markOf(await late)).toBe(3);
  });

  it('answers each of 1,000 evaluations at once with its own result', async () => {
    const wide = await openOpaPolicyEngine({ bundlesDir: BUNDLES, poolSize: 3 });
    try {
      const results = await Promise.all(Array.from({ length: 1000 }, (_, n) => wide.evaluate(set, 'start', marked(n))));
      expect(results.map(markOf)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    } finally {
      await wide.close();
    }
  });

  it('fails on an input that outgrows the memory, and stays usable', async () => {
    const huge = { answer: Array.from({ length: 400_000 }, (_, n) => n) };
    await expect(engine.evaluate(set, 'start', huge)).rejects.toEqual(failed('opa_malloc'));
    await expect(engine.evaluate(set, 'start', { text: 'x'.repeat(17 * 1024 * 1024) })).rejects.toEqual(failed('stage start'));
    expect(markOf(await engine.evaluate(set, 'start', marked(1)))).toBe(1);
  });

  it('fails on an input that is nested too deep for the stack of the engine', async () => {
    let nested: Json = 1;
    for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
    await expect(engine.evaluate(set, 'start', nested)).rejects.toEqual(failed('nested deeper than 128'));
  });

  it('refuses work beyond its queue, as something to ask again', async () => {
    const all = await Promise.allSettled(Array.from({ length: 10_001 }, () => engine.evaluate(set, 'start', marked(1))));
    const refused = all.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown);
    expect(refused).toEqual([expect.objectContaining({ code: 'EVALUATION_FAILED', retryable: true })]);
  });

  it('refuses what is waiting when it closes, and everything after; closing twice is nothing', async () => {
    const waiting = Array.from({ length: 20 }, () => engine.evaluate(set, 'start', marked(1)));
    const all = Promise.allSettled([spin(10_000), ...waiting]);
    await engine.close();
    expect(await all).toEqual(Array.from({ length: 21 }, () => ({ status: 'rejected', reason: closed })));
    await expect(engine.evaluate(set, 'start', marked(1))).rejects.toEqual(closed);
    await engine.close();
  });

  it('lists its sets by reference', () => {
    expect(engine.sets()).toEqual([engine.active()]);
  });

  it.each([
    ['timeoutMs', { timeoutMs: 0 }],
    ['poolSize', { poolSize: 17 }],
    ['memoryPagesMax', { memoryPagesMax: 4.5 }],
  ])('takes no %s out of its bounds', async (name, option) => {
    await expect(openOpaPolicyEngine({ bundlesDir: BUNDLES, ...option })).rejects.toThrow(name);
  });
});

describe('evaluation pool', () => {
  // A worker that cannot start: its data is not what it expects.
  const broken = { sets: null as unknown as [], memoryPagesMax: 256 };
  const request = { setDigest: '0'.repeat(64), entrypoint: 'mc/stage/start', inputText: '{}' };

  it('does not start where its threads cannot', async () => {
    const pool = new EvaluationPool(broken, 2);
    await expect(pool.start()).rejects.toEqual(failed('the evaluation thread failed'));
    await pool.close();
  });

  it('refuses each evaluation where no thread comes up, and tries only while there is work', async () => {
    let startedCount = 0;
    const counting = {
      // read once for each thread, when it is handed its data
      get sets() {
        startedCount += 1;
        return broken.sets;
      },
      memoryPagesMax: 256,
    };
    const pool = new EvaluationPool(counting, 1);
    const all = await Promise.allSettled(Array.from({ length: 40 }, () => pool.run(request, 1000)));
    expect(all.map((one) => one.status)).toEqual(Array.from({ length: 40 }, () => 'rejected'));
    // 16 evaluations go to a thread at once
    expect(startedCount).toBe(3);
    await pool.close();
  });

  it('answers a failure for a set or an entrypoint that a thread does not know', async () => {
    const { active } = loadSets(BUNDLES);
    const source = {
      setDigest: active.ref.setDigest,
      module: active.module,
      dataText: readFileSync(`${BUNDLES}/${active.ref.setDigest}.data.json`, 'utf8'),
    };
    const pool = new EvaluationPool({ sets: [source], memoryPagesMax: 256 }, 1);
    expect(await pool.run(request, 1000)).toEqual(
      expect.objectContaining({ kind: 'failed', message: expect.stringContaining('no set') }),
    );
    const known = { ...request, setDigest: source.setDigest, entrypoint: 'mc/stage/end' };
    expect(await pool.run(known, 1000)).toEqual(
      expect.objectContaining({ kind: 'failed', message: expect.stringContaining('mc/stage/end') }),
    );
    await pool.close();
  });
});
