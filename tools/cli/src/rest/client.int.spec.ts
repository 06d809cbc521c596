import { goldenRun, problemAnswer, startFakeConductor } from '../../fixtures/fake-conductor.ts';
import type { FakeConductor } from '../../fixtures/fake-conductor.ts';
import type { Session } from '../conductor/session.ts';
import { RestClient } from './client.ts';
import { followRun } from './follow-run.ts';
import type { LiveEvent } from './follow-run.ts';
import { publish } from './workflow-calls.ts';

const run = goldenRun('OK-one-task');
let server: FakeConductor | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** A session that counts how often it was asked to look for a conductor again. */
function sessionTo(url: string): Session & { renewed: number } {
  return {
    url,
    dataDir: undefined,
    isOwn: false,
    token: undefined,
    renewed: 0,
    async renew() {
      this.renewed += 1;
    },
    close: async () => undefined,
  };
}

const never = new AbortController().signal;

async function follow(client: RestClient): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  for await (const event of followRun(client, run.executionId)) events.push(event);
  return events;
}

describe('asking a conductor', () => {
  it('repeats a request whose connection broke, under the same Idempotency-Key', async () => {
    let cuts = 2;
    server = await startFakeConductor(run, () => (cuts-- > 0 ? 'cut' : undefined));
    const session = sessionTo(server.url);
    await new RestClient(session, never).json({ method: 'POST', path: '/api/executions', json: {} });
    expect(session.renewed).toBe(2);
    expect(new Set(server.asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(server.asked).toHaveLength(3);
  });

  it('gives a broken connection up after some tries, without a stack', async () => {
    server = await startFakeConductor(run, () => 'cut');
    await expect(new RestClient(sessionTo(server.url), never).json({ path: '/api/keys' })).rejects.toMatchObject({
      name: 'CliError',
      exitCode: 6,
      code: 'CONDUCTOR_UNREACHABLE',
    });
    expect(server.asked).toHaveLength(4);
  });

  it('reads an answer anew that broke off in the middle', async () => {
    let halves = 1;
    server = await startFakeConductor(run, () => (halves-- > 0 ? 'half' : undefined));
    const session = sessionTo(server.url);
    await expect(new RestClient(session, never).json({ path: '/api/keys' })).resolves.toHaveProperty('keys');
    expect(session.renewed).toBe(1);
  });

  it('asks again where a refusal may pass, and keeps its conductor', async () => {
    let busy = 1;
    server = await startFakeConductor(run, () => (busy-- > 0 ? problemAnswer(503, 'QUEUE_FULL') : undefined));
    const session = sessionTo(server.url);
    await expect(new RestClient(session, never).json({ path: '/api/keys' })).resolves.toHaveProperty('keys');
    expect(session.renewed).toBe(0);
  });

  it('passes on a refusal with everything that it says', async () => {
    server = await startFakeConductor(run, () =>
      problemAnswer(409, 'VERSION_CONFLICT', { errors: [{ pointer: '/a', code: 'B', message: 'c' }] }),
    );
    await expect(new RestClient(sessionTo(server.url), never).json({ path: '/x' })).rejects.toMatchObject({
      name: 'AnswerError',
      status: 409,
      code: 'VERSION_CONFLICT',
      errors: [{ pointer: '/a' }],
    });
    expect(server.asked).toHaveLength(1);
  });

  it('ends at once when it is interrupted', async () => {
    server = await startFakeConductor(run);
    const stop = AbortSignal.abort('SIGINT');
    await expect(new RestClient(sessionTo(server.url), stop).json({ path: '/x' })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      exitCode: 130,
    });
  });
});

describe('following a run', () => {
  it('yields every event once, in order, and ends after the last', async () => {
    server = await startFakeConductor(run);
    const events = await follow(new RestClient(sessionTo(server.url), never));
    expect(events.map(({ revision }) => revision)).toEqual(run.events.map((_, i) => i));
  });

  it('goes on after a cut where it was', async () => {
    let connections = 0;
    server = await startFakeConductor(run, ({ path, headers }) => {
      if (!path.endsWith('/events')) return undefined;
      connections += 1;
      // the first connection gives two events and the half of a third, the second breaks, the third repeats one
      const text = run.events.map((data, revision) => `id: ${revision}\ndata: ${data}\n\n`);
      if (connections === 1) return { text: `${text[0]}${text[1]}${text[2]?.slice(0, 40)}` };
      if (connections === 2) return 'cut';
      expect(headers['last-event-id']).toBe('1');
      return { text: text.slice(1).join('') };
    });
    const events = await follow(new RestClient(sessionTo(server.url), never));
    expect(events.map(({ revision }) => revision)).toEqual(run.events.map((_, i) => i));
  });

  it('does not go on about a run that is not there', async () => {
    server = await startFakeConductor(run, ({ path }) =>
      path.endsWith('/events') ? problemAnswer(404, 'EXECUTION_NOT_FOUND') : undefined,
    );
    await expect(follow(new RestClient(sessionTo(server.url), never))).rejects.toMatchObject({ code: 'EXECUTION_NOT_FOUND' });
  });
});

describe('publishing', () => {
  const draft = { id: 'fake', version: '1.0.0', digest: 'sha256:00' };

  it('waits for a decision that comes later', async () => {
    let asked = 0;
    server = await startFakeConductor(run, ({ path }) => {
      if (path.endsWith('/publish')) return { status: 202, json: { ...draft, links: { command: '/api/commands/c' } } };
      if (path !== '/api/commands/c') return undefined;
      asked += 1;
      return {
        json: {
          outcome:
            asked < 2 ? { kind: 'pending' } : { kind: 'published', channel: 'candidate', version: '1.0.0', digest: 'sha256:00' },
        },
      };
    });
    expect(await publish(new RestClient(sessionTo(server.url), never), draft)).toMatchObject({ channel: 'candidate' });
    expect(asked).toBe(2);
  });

  it('tells of a denial that comes later', async () => {
    server = await startFakeConductor(run, ({ path }) => {
      if (path.endsWith('/publish')) return { status: 202, json: { ...draft, links: { command: '/api/commands/c' } } };
      return path === '/api/commands/c'
        ? { json: { outcome: { kind: 'denied', version: '1.0.0', reason: 'POLICY_DENIED', decisions: [] } } }
        : undefined;
    });
    await expect(publish(new RestClient(sessionTo(server.url), never), draft)).rejects.toMatchObject({
      name: 'PublishDenied',
      denial: { reason: 'POLICY_DENIED' },
    });
  });
});
