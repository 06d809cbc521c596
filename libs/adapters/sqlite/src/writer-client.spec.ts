import { newEvent, newStream } from '@maestro/conformance';
import { isFault, type Clock } from '@maestro/ports';
import { packOutcomes, type Outcome } from './append-outcome.ts';
import { WriterClient, type WriterLink } from './writer-client.ts';
import type { FromWriter, ToWriter } from './writer-loop.ts';

/** A writer that answers when told, and a clock that fires when told. */
function start(): {
  client: WriterClient;
  sent: ToWriter[];
  say: (m: FromWriter) => void;
  end: (reason: string) => void;
  fire: () => void;
  committed: number[];
} {
  const sent: ToWriter[] = [];
  const committed: number[] = [];
  let say: (m: FromWriter) => void = () => {};
  let end: (reason: string) => void = () => {};
  const timers = new Set<() => void>();
  const link: WriterLink = {
    post: (m) => void sent.push(m),
    listen: (message, ended) => ([say, end] = [message, ended]),
  };
  const after: Clock['after'] = (_, fn) => {
    timers.add(fn);
    return () => timers.delete(fn);
  };
  const client = new WriterClient(link, after);
  client.observe({ committed: (_, position) => void committed.push(position), settled: () => {} });
  const fire = (): void => [...timers].forEach((fn) => fn());
  return { client, sent, say: (m) => say(m), end: (r) => end(r), fire, committed };
}

const answers = (...outcomes: Outcome[]): FromWriter => ({ kind: 'answers', ...packOutcomes(outcomes) });
const request = (): { stream: string; at: number; events: ReturnType<typeof newEvent>[] } => ({
  stream: newStream(),
  at: -1,
  events: [newEvent()],
});
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (e: unknown) => (isFault(e) ? e.code : String(e)),
  );
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('WriterClient', () => {
  it('gathers the appends of one turn into one message, and those that come while the writer is busy into the next', async () => {
    const { client, sent, say, committed } = start();
    const first = [client.append(request(), {}), client.append(request(), {})];
    await turn();
    const second = [client.append(request(), {}), client.append(request(), {})];
    await turn();
    expect(sent.map((m) => m.kind === 'append' && m.streams.length)).toEqual([2, 2]);
    say(
      answers(
        { kind: 'appended', firstPosition: 1 },
        { kind: 'conflict', head: 3 },
        { kind: 'appended', firstPosition: 2 },
      ),
    );
    say(answers({ kind: 'appended', firstPosition: 3 }));
    expect((await Promise.all([...first, ...second])).map((o) => o.kind)).toEqual([
      'appended',
      'conflict',
      'appended',
      'appended',
    ]);
    expect(committed).toEqual([1, 2, 3]);
  });
  it('says that the outcome is unknown when no answer comes, and still takes the late answer for the readers', async () => {
    const { client, say, fire, committed } = start();
    const lost = client.append(request(), { timeoutMs: 10 });
    await turn();
    fire();
    expect(await codeOf(lost)).toBe('STORE_OUTCOME_UNKNOWN');
    say(answers({ kind: 'appended', firstPosition: 1 }));
    expect(committed).toEqual([1]);
  });
  it('takes back an append whose signal fires before it left, not after', async () => {
    const { client, sent } = start();
    const [early, late] = [new AbortController(), new AbortController()];
    const unsent = client.append(request(), { signal: early.signal });
    early.abort();
    expect(await codeOf(unsent)).toBe('ABORTED');
    const posted = client.append(request(), { signal: late.signal });
    await turn();
    late.abort();
    expect(await codeOf(posted)).toBe('STORE_OUTCOME_UNKNOWN');
    expect(sent.map((m) => m.kind === 'append' && m.streams.length)).toEqual([1]);
  });
  it('pushes back when too many appends wait for the disk', async () => {
    const { client, end } = start();
    const pending = Array.from({ length: 20_000 }, () => codeOf(client.append(request(), {})));
    expect(await codeOf(client.append(request(), {}))).toBe('STORE_READ_ONLY');
    end('enough');
    await Promise.all(pending);
  });
  it('leaves nobody waiting when the writer ends', async () => {
    const { client, end } = start();
    const inFlight = codeOf(client.append(request(), {}));
    await turn();
    const waiting = codeOf(client.append(request(), {}));
    end('out of memory');
    expect(await inFlight).toBe('STORE_OUTCOME_UNKNOWN');
    expect(await waiting).toBe('STORE_READ_ONLY');
    expect(await codeOf(client.append(request(), {}))).toBe('STORE_READ_ONLY');
    expect(await codeOf(client.opened)).toBe('STORE_READ_ONLY');
    await client.close();
  });
  it('sends what waits before it closes, and tells of a close that failed', async () => {
    const { client, sent, say, end } = start();
    const last = client.append(request(), {});
    const closed = codeOf(client.close());
    expect(sent.map((m) => m.kind)).toEqual(['append', 'close']);
    say(answers({ kind: 'appended', firstPosition: 1 }));
    say({ kind: 'closed', fault: { code: 'STORE_READ_ONLY', detail: 'full', retryable: true } });
    end('it exited');
    expect((await last).kind).toBe('appended');
    expect(await closed).toBe('STORE_READ_ONLY');
  });
});
