import { natsNames } from '../connection/nats-settings.ts';
import type { ApiCalls } from './api-calls.ts';
import { WorkStreams } from './work-streams.ts';
import type { WorkStreamSettings } from './work-streams.ts';
import { WorkSubjects } from './work-subjects.ts';

const streams = (settings: WorkStreamSettings = {}): WorkStreams => new WorkStreams({} as ApiCalls, new WorkSubjects(natsNames()), settings);

describe('silence of who holds work', () => {
  it('ends a check far before its deadline of 30 s, and a task after the time that is set', () => {
    expect([streams().silenceMaxMs('policy'), streams().silenceMaxMs('task')]).toEqual([5_000, 30_000]);
  });

  it('is shorter for both where less is set', () => {
    expect(['policy', 'task'].map((kind) => streams({ silenceMaxMs: 2_000 }).silenceMaxMs(kind as 'policy' | 'task'))).toEqual([2_000, 2_000]);
  });
});
