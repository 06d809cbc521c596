import type { StreamName } from '@maestro/domain';
import { natsNames } from '../connection/nats-settings.ts';
import { EventSubjects } from './event-subjects.ts';

const subjects = new EventSubjects(natsNames('mc'));

describe('EventSubjects', () => {
  it('names all by the prefix', () => {
    expect([subjects.stream, subjects.all, subjects.head, subjects.markStream, subjects.mark]).toEqual(['MC_EV', 'mc.ev.*.*', 'mc.head', 'MC_MARK', 'mc.mark']);
  });
  it.each(['execution-0199-7f_a', 'workflow-x', 'log--'])('gives %s back', (name) => {
    expect(subjects.streamOf(subjects.of(name as StreamName))).toBe(name);
  });
  it.each(['mc.ev.execution', 'mc.ev.execution.a.b', 'mc.ev.Execution.a', 'mc.ev.execution.*', 'mc.work.a.b', 'mc.ev.', 'two.ev.execution.a'])(
    'knows no stream under %s',
    (subject) => {
      expect(subjects.streamOf(subject)).toBeUndefined();
    },
  );
});
