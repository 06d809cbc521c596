import { setTimeout as delay } from 'node:timers/promises';
import type { CommandAnswer, CommandEnvelope, CommandGateway } from '@maestro/ports';
import { tapServer, type Wiretap } from '../fixtures/nats.ts';
import { manifest, publish, saveDraft, start, task } from '../fixtures/commands.ts';
import { RolesOverNats } from '../fixtures/roles-over-nats.ts';
import { failedWith, succeededWith } from '../fixtures/scripted-ports.ts';
import { problemsOf } from '../fixtures/sound-history.ts';

const DOCUMENT = manifest([task('a', [], { retries: 1 }), task('b', ['a']), task('c', ['a']), task('d', ['b', 'c'])]);
const TASK_MS = 40;

async function published(roles: RolesOverNats, gateway: CommandGateway): Promise<void> {
  await ok(gateway.send(saveDraft(DOCUMENT)));
  await ok(gateway.send(publish()));
  await roles.until(() => roles.of('workflow-greeting').some(({ event }) => event.type === 'workflow.published.v1'));
}

async function ok(answer: Promise<CommandAnswer>): Promise<{ readonly [key: string]: unknown }> {
  const got = await answer;
  if (got.kind === 'refused') throw new Error(JSON.stringify(got.rejection));
  return got.result;
}

const idOf = async (gateway: CommandGateway, key: string): Promise<string> => String((await ok(gateway.send(start(key))))['executionId']);
const verdictOf = (roles: RolesOverNats, id: string): string | undefined => {
  const last = roles.of(`execution-${id}`).at(-1)?.event;
  return last?.type === 'execution.completed.v1' ? last.data.verdict : undefined;
};

async function expectAllSound(roles: RolesOverNats, ids: readonly string[]): Promise<void> {
  await roles.until(() => ids.every((id) => roles.of(`receipt-${id}`).length > 0), 90_000);
  expect(ids.map((id) => verdictOf(roles, id)).filter((verdict) => verdict !== 'succeeded')).toEqual([]);
  const problems = await Promise.all(ids.map((id) => problemsOf(roles, id)));
  expect(problems.flat()).toEqual([]);
}

describe('roles that have only NATS in common', () => {
  let roles: RolesOverNats;
  let tap: Wiretap;
  beforeEach(async () => {
    roles = await RolesOverNats.open();
    tap = await tapServer(roles.server.url);
    roles.packages.play = async ({ input, context: { taskId, attempt } }) => {
      await delay(TASK_MS);
      return taskId === 'a' && attempt === 1 ? failedWith('FLAKY', true) : succeededWith(input);
    };
  });
  afterEach(async () => {
    await tap.close();
    await roles.close();
    expect(tap.problems).toEqual([]);
  });

  it('end every run once, though the streams of work and of commands are deleted under load', async () => {
    await roles.owner();
    await roles.owner();
    const gateway = await roles.sender();
    await roles.workers(await roles.sender());
    await published(roles, gateway);
    const started = Array.from({ length: 40 }, (_, i) => delay(i * 50).then(() => idOf(gateway, `run-${i}`)));
    for (const name of ['WORK', 'CMD', 'WORK', 'CMD', 'WORK']) {
      await delay(400);
      await roles.deleteStream(name);
    }
    await expectAllSound(roles, await Promise.all(started));
    expect(roles.counted('mc_work_refilled_total')).toBeGreaterThan(0);
  }, 120_000);

  it('end every run once, though the server is killed under load and forgets both', async () => {
    await roles.owner();
    const gateway = await roles.sender();
    await roles.workers(await roles.sender());
    await published(roles, gateway);
    const started = Array.from({ length: 20 }, (_, i) => delay(i * 50).then(() => idOf(gateway, `run-${i}`)));
    await delay(600);
    await roles.server.restart();
    await expectAllSound(roles, await Promise.all(started));
    expect(roles.counted('mc_work_refilled_total')).toBeGreaterThan(0);
  }, 120_000);

  it('need no owner of their own: two owners that both get every command make the history of one', async () => {
    await roles.owner('one');
    await roles.owner('two');
    const both = [await roles.sender('one'), await roles.sender('two')];
    const answers: string[] = [];
    const gateway: CommandGateway = {
      async send(envelope: CommandEnvelope): Promise<CommandAnswer> {
        const [first, second] = await Promise.all(both.map((each) => each.send(envelope)));
        if (first === undefined || second === undefined) throw new Error('two gateways give two answers');
        answers.push([first, second].map((answer) => (answer.kind === 'ok' ? 'ok' : answer.rejection.code)).join(' '));
        return first.kind === 'ok' ? first : second;
      },
    };
    await roles.workers(gateway);
    await published(roles, gateway);
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => idOf(gateway, `run-${i}`)));
    await expectAllSound(roles, ids);
    expect(answers.filter((pair) => pair === 'ok ok').length).toBeGreaterThan(ids.length);
  }, 120_000);
});
