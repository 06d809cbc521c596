import { MemoryWorkQueue, ManualClock, seededEntropy } from '@maestro/adapter-memory';
import type { CommandOf } from '@maestro/contracts';
import { reject } from '@maestro/domain';
import type { RejectionCode } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, Consumption } from '@maestro/ports';
import { ScriptedPackages, failedWith, hexOf, succeededWith, untilAborted } from '../../fixtures/scripted-ports.ts';
import type { TaskOrder } from '../dispatch/work-orders.ts';
import { consumeTaskWork } from './consume-task-work.ts';

const ECHO = 'pkg:test/echo@1.0.0';
const FENCED = 'pkg:test/fenced@1.0.0';
const OK: CommandAnswer = { kind: 'ok', position: 'p', result: {} };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Report = CommandOf<'execution.report-task.v1'>['payload'];

/** A runner on a queue of its own; what it says to the conductor is written down and answered by the test. */
class Runner {
  readonly clock = new ManualClock();
  readonly queue = new MemoryWorkQueue({ clock: this.clock, entropy: seededEntropy('runner') });
  readonly packages = new ScriptedPackages();
  readonly sent: CommandEnvelope[] = [];
  readonly consumption: Consumption;
  answer: (envelope: CommandEnvelope) => CommandAnswer | Promise<CommandAnswer> = () => OK;

  constructor() {
    const gateway = {
      send: async (envelope: CommandEnvelope): Promise<CommandAnswer> => {
        this.sent.push(envelope);
        return this.answer(envelope);
      },
    };
    const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
    this.consumption = consumeTaskWork({ queue: this.queue, gateway, packages: this.packages, clock: this.clock, metrics, tenant: 'default', runner: 'runner:test', classes: ['small'], concurrencyMax: 4 });
  }

  async take(more: Partial<TaskOrder> = {}): Promise<void> {
    const order: TaskOrder = {
      executionId: '01920000-0000-7000-8000-000000000001', taskId: 'a', attempt: 1, workClass: 'small', uses: ECHO, packageDigest: hexOf(more.uses ?? ECHO), fenced: false, timeoutMs: 1_000,
      idempotencyKey: 'key', conductorUrl: null, arguments: { text: 'hello' }, argumentsCommitment: 'a'.repeat(64), ...more,
    };
    await this.queue.publish([{ kind: 'task', intentId: 'intent-1', workClass: 'small', executionId: 'execution-1', payload: order as never }]);
    await settle();
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }

  get said(): readonly string[] {
    return this.sent.map(({ command }) => command.type);
  }

  get reports(): readonly Report[] {
    return this.sent.flatMap(({ command }) => (command.type === 'execution.report-task.v1' ? [command.payload] : []));
  }

  async waiting(): Promise<number> {
    const { waiting, leased } = await this.queue.depth('task');
    return waiting + leased;
  }
}

const refused = (code: RejectionCode): CommandAnswer => reject(code, code);
const fault = (): Promise<never> => Promise.reject(new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true }));

describe('a runner', () => {
  it('runs what it takes and reports it under its own name, then forgets it', async () => {
    const runner = new Runner();
    runner.packages.play = async ({ input }) => {
      runner.clock.advance(40);
      return succeededWith(input, 'a line');
    };
    await runner.take();
    expect(runner.reports).toEqual([
      { executionId: '01920000-0000-7000-8000-000000000001', taskId: 'a', attempt: 1, runner: 'runner:test', leaseId: null, startedAt: '2026-01-05T00:00:00.000Z', durationMs: 40, argumentsCommitment: 'a'.repeat(64), log: 'a line', outcome: { kind: 'succeeded', output: { text: 'hello' } } },
    ]);
    expect(runner.sent[0]).toMatchObject({ actor: 'role:runner', causationId: 'intent-1', correlationId: 'execution-1' });
    expect(runner.packages.attempts[0]?.context).toEqual({ executionId: '01920000-0000-7000-8000-000000000001', taskId: 'a', attempt: 1, idempotencyKey: 'key', conductorUrl: null, timeoutMs: 1_000 });
    expect(await runner.waiting()).toBe(0);
  });

  it.each([[7, { value: 7 }], [null, { value: null }], [['x'], { value: ['x'] }], [{ text: 'x' }, { text: 'x' }]])('wraps the output %j so that it has a name', async (output, expected) => {
    const runner = new Runner();
    runner.packages.play = async () => succeededWith(output);
    await runner.take();
    expect(runner.reports[0]?.outcome).toEqual({ kind: 'succeeded', output: expected });
  });

  it('passes on a failure as the package told it', async () => {
    const runner = new Runner();
    runner.packages.play = async () => failedWith('HTTP_STATUS', true, '503 from upstream');
    await runner.take();
    expect(runner.reports[0]?.outcome).toEqual({ kind: 'failed', code: 'HTTP_STATUS', message: '503 from upstream', retryable: true });
  });

  it('runs nothing that it does not have, and nothing other than what the run is pinned to', async () => {
    const unknown = new Runner();
    await unknown.take({ uses: 'pkg:test/other@1.0.0' });
    const changed = new Runner();
    await changed.take({ packageDigest: 'f'.repeat(64) });
    expect([unknown, changed].map(({ reports }) => reports[0]?.outcome)).toMatchObject([{ code: 'PACKAGE_UNKNOWN', retryable: false }, { code: 'PACKAGE_CHANGED', retryable: false }]);
    expect([...unknown.packages.attempts, ...changed.packages.attempts]).toEqual([]);
  });

  it('does not report before an attempt has ended', async () => {
    const runner = new Runner();
    let finish: () => void = () => undefined;
    runner.packages.play = () => new Promise((resolve) => (finish = () => resolve(succeededWith({}))));
    await runner.take();
    expect(runner.said).toEqual([]);
    finish();
    await settle();
    expect(runner.said).toEqual(['execution.report-task.v1']);
  });
});

describe('a task that takes its time', () => {
  it('says that it started after 250 ms, and once', async () => {
    const runner = new Runner();
    runner.packages.play = () => new Promise((resolve) => runner.clock.after(5_000, () => resolve(succeededWith({}))));
    await runner.take();
    await runner.advance(249);
    expect(runner.said).toEqual([]);
    await runner.advance(1);
    expect(runner.said).toEqual(['execution.start-task.v1']);
    await runner.advance(5_000);
    expect(runner.said).toEqual(['execution.start-task.v1', 'execution.report-task.v1']);
  });

  it('is reported though its start could not be said', async () => {
    const runner = new Runner();
    runner.answer = ({ command }) => (command.type === 'execution.start-task.v1' ? fault() : OK);
    runner.packages.play = () => new Promise((resolve) => runner.clock.after(300, () => resolve(succeededWith({}))));
    await runner.take();
    await runner.advance(300);
    expect(runner.reports).toHaveLength(1);
  });

  it('says nothing of a start once it is over, also where running it faulted', async () => {
    const runner = new Runner();
    runner.packages.play = () => Promise.reject(new Fault('PACKAGES_CLOSED', 'closed', { retryable: true }));
    await runner.take();
    await runner.advance(400);
    expect(runner.said).toEqual([]);
  });
});

describe('a fenced task', () => {
  it('runs only after the run accepted its lease, and reports under it', async () => {
    const runner = new Runner();
    let accept: () => void = () => undefined;
    runner.answer = ({ command }) => (command.type === 'execution.start-task.v1' ? new Promise((resolve) => (accept = () => resolve(OK))) : OK);
    await runner.take({ uses: FENCED, fenced: true });
    expect([runner.said, runner.packages.attempts.length]).toEqual([['execution.start-task.v1'], 0]);
    accept();
    await settle();
    expect(runner.packages.attempts).toHaveLength(1);
    const [started, reported] = runner.sent.map(({ command }) => ('leaseId' in command.payload ? command.payload.leaseId : undefined));
    expect(started).toMatch(/^.+$/);
    expect(reported).toBe(started);
  });

  it('is left alone where another lease holds it', async () => {
    const runner = new Runner();
    runner.answer = () => refused('LEASE_LOST');
    await runner.take({ uses: FENCED, fenced: true });
    expect([runner.packages.attempts.length, runner.reports.length, await runner.waiting()]).toEqual([0, 0, 0]);
  });

  it('asks for its lease again where the run could not decide on it', async () => {
    const runner = new Runner();
    let asked = 0;
    runner.answer = ({ command }) => (command.type === 'execution.start-task.v1' && asked++ === 0 ? refused('CONFLICT_RETRIES_EXHAUSTED') : OK);
    await runner.take({ uses: FENCED, fenced: true });
    expect(runner.packages.attempts).toHaveLength(0);
    await runner.advance(500);
    expect(runner.reports).toHaveLength(1);
  });
});

describe('a report', () => {
  it.each([
    ['meets a fault that may pass', fault],
    ['was not decided on', () => refused('CONFLICT_RETRIES_EXHAUSTED')],
  ])('that %s is sent again as it was, and the task is not run again', async (_, first) => {
    const runner = new Runner();
    let tries = 0;
    runner.answer = () => (tries++ < 5 ? first() : OK);
    let run = 0;
    runner.packages.play = async () => succeededWith({ run: (run += 1) });
    await runner.take();
    for (let i = 0; i < 5; i += 1) await runner.advance(500);
    expect(runner.reports).toHaveLength(6);
    for (const [i, one] of runner.sent.entries()) expect([i, one]).toEqual([i, runner.sent[0]]);
    expect(run).toBe(1);
    expect(await runner.waiting()).toBe(0);
  });

  it('that no bus carries ends the attempt by name, without output and log', async () => {
    const runner = new Runner();
    runner.packages.play = async () => succeededWith({ text: 'x'.repeat(1_000) }, 'a long log');
    runner.answer = ({ command }) => {
      if (command.type === 'execution.report-task.v1' && command.payload.outcome.kind === 'succeeded') throw new Fault('COMMAND_TOO_LARGE', 'over 1,000 bytes');
      return OK;
    };
    await runner.take();
    expect(runner.reports.at(-1)).toMatchObject({ log: '', outcome: { kind: 'failed', code: 'OUTPUT_TOO_LARGE', retryable: false } });
    expect(await runner.waiting()).toBe(0);
  });

  it('that is refused for good is acknowledged: there was one before, or the run has ended', async () => {
    for (const code of ['TASK_NOT_OPEN', 'EXECUTION_ENDED', 'LEASE_LOST', 'EXECUTION_NOT_FOUND'] as const) {
      const runner = new Runner();
      runner.answer = () => refused(code);
      await runner.take();
      await runner.advance(60_000);
      expect([code, runner.reports.length, await runner.waiting()]).toEqual([code, 1, 0]);
    }
  });

  it('that meets a bug is tried three times; the last one says that the runner was lost', async () => {
    const runner = new Runner();
    runner.answer = ({ command }) => (command.type === 'execution.report-task.v1' && command.payload.outcome.kind === 'succeeded' ? refused('BUG') : OK);
    await runner.take();
    for (let i = 0; i < 4; i += 1) await runner.advance(500);
    expect(runner.reports.map(({ outcome }) => ('code' in outcome ? outcome.code : outcome.kind))).toEqual(['succeeded', 'succeeded', 'LOST_RUNNER']);
    expect(runner.packages.attempts).toHaveLength(2);
    expect(await runner.waiting()).toBe(0);
  });

  it('that meets a bug whatever it says parks the work by name', async () => {
    const runner = new Runner();
    runner.answer = () => refused('BUG');
    await runner.take();
    for (let i = 0; i < 4; i += 1) await runner.advance(500);
    expect(runner.reports).toHaveLength(3);
    expect((await runner.queue.parked()).map(({ intentId }) => intentId)).toEqual(['intent-1']);
  });
});

describe('a lost runner', () => {
  it('is told at the third delivery, without running the task again; it may be retried', async () => {
    const runner = new Runner();
    runner.packages.play = () => Promise.reject(new TypeError('a bug in the host'));
    await runner.take();
    await runner.advance(1_000);
    await runner.advance(1_000);
    expect(runner.packages.attempts).toHaveLength(2);
    expect(runner.reports.map(({ outcome }) => outcome)).toMatchObject([{ kind: 'failed', code: 'LOST_RUNNER', retryable: true }]);
  });
});

describe('a task whose signal fires', () => {
  it('because the run took it back is reported as cancelled', async () => {
    const runner = new Runner();
    runner.packages.play = untilAborted;
    await runner.take();
    await runner.queue.revoke(['intent-1']);
    await settle();
    expect(runner.reports.map(({ outcome }) => outcome)).toEqual([{ kind: 'cancelled' }]);
    expect(await runner.waiting()).toBe(0);
  });

  it('because this process ends is not reported: whoever takes it next runs it', async () => {
    const runner = new Runner();
    runner.packages.play = untilAborted;
    await runner.take();
    const stopping = runner.consumption.stop(5_000);
    await runner.advance(5_000);
    await stopping;
    await settle();
    expect(runner.reports).toEqual([]);
    expect(await runner.waiting()).toBe(1);
  });

  it('and that ended by itself within the grace of a stop is reported', async () => {
    const runner = new Runner();
    runner.packages.play = () => new Promise((resolve) => runner.clock.after(200, () => resolve(succeededWith({}))));
    await runner.take();
    const stopping = runner.consumption.stop(5_000);
    await runner.advance(200);
    await stopping;
    expect(runner.reports).toHaveLength(1);
  });
});
