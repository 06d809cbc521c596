import { Fault } from '@maestro/ports';
import { manifest, start, task } from '../../fixtures/commands.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import type { CommandRole } from '../commands/command-role.ts';
import { isOfPartition } from './partition-view.ts';

const DOCUMENT = manifest([task('a', [], { with: { text: '${{ inputs.name }}' } }), task('b', ['a'], { with: { text: '${{ tasks.a.outputs.text }}' } })], { inputs: { name: 'Ada' } });
const COUNT = 2;
const RUNS = 8;

/** A world whose undivided owner, which appends what policy and runner report, hands nothing out. */
async function world(): Promise<World> {
  const made = await World.open();
  await made.published(DOCUMENT);
  made.hook = ({ call }) => {
    if (call === 'queue.publish') throw new Fault('QUEUE_FULL', 'full', { retryable: true });
  };
  return made;
}

async function startRuns(role: CommandRole, prefix: string): Promise<readonly string[]> {
  const answers = await Promise.all(Array.from({ length: RUNS }, (_, i) => role.gateway.send(start(`${prefix}-${i}`))));
  return answers.map((answer) => (answer.kind === 'ok' ? String(answer.result['executionId']) : answer.rejection.code));
}
const namesOf = (made: World): readonly string[] => [...made.disk.processes.keys()].filter((name) => name.startsWith('intents/')).toSorted();

describe('owners that divide the streams', () => {
  it('hand out what is of their partition, wherever it was appended', async () => {
    const made = await world();
    const [one, two] = [made.life.divided(COUNT), made.life.divided(COUNT)];
    const shares = [one.openPartition(0, () => undefined), two.openPartition(1, () => undefined)];
    await Promise.all(shares.map(({ ready }) => ready));
    const ids = await startRuns(one, 'run');
    expect(new Set(ids.map((id) => isOfPartition(`execution-${id}`, { index: 0, count: COUNT }))).size).toBe(2);
    for (const id of ids) {
      await made.ended(id, 60_000);
      expect([made.verdictOf(id), await problemsOf(made, id)]).toEqual(['succeeded', []]);
    }
    await Promise.all(shares.map((share) => share.stop()));
    expect(namesOf(made)).toEqual(['intents/0-of-2', 'intents/1-of-2']);
    expect([one.openCount(), two.openCount()]).toEqual([0, 0]);
  });

  it('take over from one that was stopped in the middle, which writes nothing over them when it goes on', async () => {
    const made = await world();
    const [old, next] = [made.life.divided(COUNT), made.life.divided(COUNT)];
    const lost: number[] = [];
    const outdated = [0, 1].map((index) => old.openPartition(index, () => lost.push(index)));
    await Promise.all(outdated.map(({ ready }) => ready));
    const first = await startRuns(old, 'first');
    for (const id of first) await made.ended(id, 60_000);
    // nobody told the old owner
    const shares = [0, 1].map((index) => next.openPartition(index, () => lost.push(10 + index)));
    await Promise.all(shares.map(({ ready }) => ready));
    const second = await startRuns(next, 'second');
    for (const id of second) {
      await made.ended(id, 60_000);
      expect([made.verdictOf(id), await problemsOf(made, id)]).toEqual(['succeeded', []]);
    }
    // both fold the same events, and only one of them may write each partition down
    await made.advance(5_000);
    expect(new Set(lost.map((index) => index % 10)).size).toBe(COUNT);
    await Promise.all([...outdated, ...shares].map((share) => share.stop()));
    const rows = namesOf(made).map((name) => made.disk.processes.get(name)?.rows.size);
    expect(rows).toEqual([0, 0]);
  });
});
