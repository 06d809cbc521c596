import { commandRowOf } from '@maestro/domain';
import type { CommandAnswer } from '@maestro/ports';
import { manifest, promote, rollBack, task } from '../../fixtures/commands.ts';
import { World } from '../../fixtures/world.ts';

const codeOf = (answer: CommandAnswer): string => (answer.kind === 'refused' ? answer.rejection.code : 'ok');
const resultOf = (answer: CommandAnswer): unknown => (answer.kind === 'ok' ? answer.result : answer.rejection.code);

async function withVersions(...versions: readonly string[]): Promise<World> {
  const world = await World.open();
  for (const version of versions) await world.published(manifest([task('a')], { version }));
  return world;
}

async function versionRun(world: World, key: string, rollout: 'canary' | 'all' | null): Promise<string> {
  const id = await world.started(key, { rollout });
  const [first] = world.of(`execution-${id}`);
  return first?.event.type === 'execution.requested.v1' ? `${first.event.data.workflow.version} ${first.event.data.workflow.channel}` : '';
}

describe('promoting and rolling back', () => {
  it('change what starts run: canary the candidate, all the stable one', async () => {
    const world = await withVersions('1.0.0', '1.1.0');
    expect([await versionRun(world, 'a', 'all'), await versionRun(world, 'b', 'canary')]).toEqual(['1.0.0 stable', '1.1.0 candidate']);
    expect(resultOf(await world.send(promote()))).toEqual({ id: 'greeting', version: '1.1.0' });
    expect([await versionRun(world, 'c', 'all'), await versionRun(world, 'd', 'canary')]).toEqual(['1.1.0 stable', '1.1.0 stable']);
    expect(resultOf(await world.send(rollBack()))).toEqual({ id: 'greeting', version: '1.1.0', to: '1.0.0' });
    expect([await versionRun(world, 'e', 'all'), await versionRun(world, 'f', 'canary')]).toEqual(['1.0.0 stable', '1.0.0 stable']);
  });

  it('with no rollout stated sends one start in ten to the candidate, and the same key always to the same', async () => {
    const world = await withVersions('1.0.0', '1.1.0');
    const chosen: string[] = [];
    for (let i = 0; i < 200; i += 1) chosen.push(await versionRun(world, `key ${i}`, null));
    const candidates = chosen.filter((one) => one === '1.1.0 candidate').length;
    expect([candidates >= 8, candidates <= 36]).toEqual([true, true]);
    expect(chosen.filter((one) => one === '1.0.0 stable')).toHaveLength(200 - candidates);
    const again: string[] = [];
    for (let i = 0; i < 20; i += 1) again.push(await versionRun(world, `key ${i}`, null));
    expect(again).toEqual(chosen.slice(0, 20));
  });

  it('are done once however often they are sent, and answer the same', async () => {
    const world = await withVersions('1.0.0', '1.1.0');
    const promoted = [await world.send(promote()), await world.send(promote())];
    const rolledBack = [await world.send(rollBack()), await world.send(rollBack())];
    expect(promoted.map(resultOf)).toEqual(Array(2).fill({ id: 'greeting', version: '1.1.0' }));
    expect(rolledBack.map(resultOf)).toEqual(Array(2).fill({ id: 'greeting', version: '1.1.0', to: '1.0.0' }));
    expect(world.of('workflow-greeting').filter(({ event }) => /promoted|rolled-back/.test(event.type))).toHaveLength(2);
  });

  it('under an id that did something else are refused', async () => {
    const world = await withVersions('1.0.0', '1.1.0');
    const asked = promote('greeting', 'one');
    await world.send(asked);
    expect(codeOf(await world.send({ ...promote('greeting', 'one', 'for another reason') }))).toBe('COMMAND_ID_REUSED');
    expect(codeOf(await world.send({ ...rollBack(null), commandId: asked.commandId }))).toBe('COMMAND_ID_REUSED');
    const back = rollBack('1.0.0', 'two');
    await world.send(back);
    expect(codeOf(await world.send({ ...rollBack('1.1.0', 'two') }))).toBe('COMMAND_ID_REUSED');
    expect(codeOf(await world.send({ ...promote(), commandId: back.commandId }))).toBe('COMMAND_ID_REUSED');
  });

  it('say what they need where it is missing, and leave no event', async () => {
    const world = await withVersions('1.0.0');
    const count = world.eventLog.events.length;
    const answers = [
      await world.send(promote()),
      await world.send(rollBack()),
      await world.send(rollBack('9.9.9', 'a')),
      await world.send(rollBack('1.0.0', 'b')),
      await world.send(promote('unknown')),
      await world.send(rollBack(null, 'c', '', 'unknown')),
    ];
    expect(answers.map(codeOf)).toEqual(['NO_CANDIDATE', 'NO_EARLIER_VERSION', 'VERSION_NOT_FOUND', 'ROLLBACK_TARGET_INVALID', 'WORKFLOW_NOT_FOUND', 'WORKFLOW_NOT_FOUND']);
    expect(world.eventLog.events.length).toBe(count);
  });

  it('are found again by their command', async () => {
    const world = await withVersions('1.0.0', '1.1.0');
    const commands = [promote(), rollBack()];
    for (const command of commands) await world.send(command);
    const rows = world.of('workflow-greeting').flatMap((recorded) => commandRowOf(recorded) ?? []).slice(-2);
    expect(rows.map(({ id, type, result }) => ({ id, type, result }))).toEqual([
      { id: commands[0]?.commandId, type: 'workflow.promote.v1', result: { id: 'greeting', version: '1.1.0' } },
      { id: commands[1]?.commandId, type: 'workflow.rollback.v1', result: { id: 'greeting', version: '1.1.0', to: '1.0.0' } },
    ]);
  });
});
