import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, MemoryEventStore, MemoryReadModels, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import { LoopHealth } from '@maestro/runtime';
import type { DataFolder } from './data-folder.ts';
import type { Ports } from './open-ports.ts';
import { readinessOf } from './readiness.ts';

describe('readiness', () => {
  const dir = mkdtempSync(join(tmpdir(), 'readiness-'));
  const clock = new ManualClock(0);
  const ports = {
    store: new MemoryEventStore(),
    views: new MemoryReadModels(),
    queue: new MemoryWorkQueue({ clock, entropy: seededEntropy('queue') }),
    policies: { active: () => ({ setDigest: 'abc' }) },
  } as unknown as Ports;
  const ask = (loops: LoopHealth, evidence = dir): ReturnType<ReturnType<typeof readinessOf>> => readinessOf(ports, { evidence } as DataFolder, loops)();

  afterAll(() => rmSync(dir, { recursive: true }));

  it('has a row for each dependency and each loop, all fine', async () => {
    const loops = new LoopHealth(clock);
    loops.works('dispatcher');
    const rows = await ask(loops);
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows.map(({ name }) => name)).toEqual(['event-store', 'read-models', 'evidence', 'policy', 'work-queue', 'loop-dispatcher']);
  });

  it('says which loop waits or stopped, why and since when', async () => {
    const loops = new LoopHealth(clock);
    loops.failing('runner', new Error('the disk is full'));
    loops.stopped('projector', new Error('a bug'));
    expect((await ask(loops)).filter(({ ok }) => !ok)).toEqual([
      { name: 'loop-projector', ok: false, detail: 'stopped since 1970-01-01T00:00:00.000Z: a bug' },
      { name: 'loop-runner', ok: false, detail: 'failing since 1970-01-01T00:00:00.000Z: the disk is full' },
    ]);
  });

  it('names the dependency that cannot be used', async () => {
    const rows = await ask(new LoopHealth(clock), join(dir, 'gone'));
    expect(rows.filter(({ ok }) => !ok)).toMatchObject([{ name: 'evidence', detail: expect.stringContaining('ENOENT') as unknown }]);
  });
});
