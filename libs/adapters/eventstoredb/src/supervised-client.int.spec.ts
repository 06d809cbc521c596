import { startEventStoreDouble, type EventStoreDouble } from './double/index.ts';
import { isCallFailure } from './call-failure.ts';
import { SupervisedClient } from './supervised-client.ts';

const never = (): Promise<never> => new Promise(() => {});
const kindOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => (isCallFailure(error) ? error.kind : String(error)),
  );

describe('a supervised client', () => {
  let double: EventStoreDouble;
  let client: SupervisedClient;
  beforeEach(async () => {
    double = await startEventStoreDouble();
    client = new SupervisedClient({ connectionString: double.connectionString, attemptMs: 20, patienceMs: 5_000, useBatchAppend: true });
  });
  afterEach(() => {
    client.close();
    double.close();
  });
  const o = { timeoutMs: 5_000, kind: 'read' } as const;

  it('is replaced after a call without an answer, and says so to those who hold its streams', async () => {
    const first = client.current();
    expect(await kindOf(client.once(o, never))).toBe('timed-out');
    expect(first.retired.aborted).toBe(true);
    expect(client.current().client).not.toBe(first.client);
  });
  it('is kept when another call of the same kind was answered meanwhile, and only then', async () => {
    const first = client.current();
    const silent = kindOf(client.once(o, never));
    await client.once(o, async () => 'x');
    expect(await silent).toBe('timed-out');
    expect(client.current().client).toBe(first.client);
    const append = kindOf(client.once({ ...o, kind: 'append' }, never));
    await client.once(o, async () => 'x');
    expect(await append).toBe('timed-out');
    expect(first.retired.aborted).toBe(true);
  });
  it('is replaced after two failures in a row that a connection may cause, not after an answer in between', async () => {
    const first = client.current();
    const broken = (): Promise<never> => Promise.reject(Object.assign(new Error('gone'), { code: 14 }));
    expect(await kindOf(client.once(o, broken))).toBe('unavailable');
    await client.once(o, async () => 'x');
    expect(await kindOf(client.once(o, broken))).toBe('unavailable');
    expect(first.retired.aborted).toBe(false);
    expect(await kindOf(client.once(o, broken))).toBe('unavailable');
    expect(first.retired.aborted).toBe(true);
  });
  it('lets a call go on for as long as something comes', async () => {
    const patient = new SupervisedClient({ connectionString: double.connectionString, attemptMs: 1_000, patienceMs: 5_000, useBatchAppend: true });
    const answer = patient.once({ ...o, timeoutMs: 60_000 }, async (_client, _left, alive) => {
      for (let i = 0; i < 30; i += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        alive();
      }
      return 'late, and whole';
    });
    expect(await answer).toBe('late, and whole');
    patient.close();
  });
  it('does not trust what was read through a client that was replaced meanwhile, as a cancelled page ends like a whole one', async () => {
    const page = Promise.withResolvers<string>();
    const reading = kindOf(client.once({ ...o, timeoutMs: 60_000 }, async (_client, _left, alive) => {
      const beat = setInterval(alive, 5);
      return page.promise.finally(() => clearInterval(beat));
    }));
    await kindOf(client.once({ ...o, kind: 'append' }, never)); // replaces the client
    page.resolve('half a page');
    expect(await reading).toBe('unavailable');
  });
  it('makes no call once it is closed', async () => {
    client.close();
    expect(await kindOf(client.once(o, never))).toBe('closed');
    expect(() => client.current()).toThrow('the store was closed');
  });
});
