import { ManualClock } from '@maestro/adapter-memory';
import { Fault } from '@maestro/ports';
import type { Log } from '@maestro/ports';
import { Dependencies } from './dependencies.ts';

type Line = readonly [level: string, message: string, fields: unknown];

function world(): { readonly clock: ManualClock; readonly lines: Line[]; readonly abort: AbortController; readonly dependencies: Dependencies } {
  const clock = new ManualClock(0);
  const lines: Line[] = [];
  const log: Log = { log: (level, message, fields) => void lines.push([level, message, fields]) };
  const abort = new AbortController();
  return { clock, lines, abort, dependencies: new Dependencies({ clock, log, signal: abort.signal }) };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}
const away = new Fault('NATS_UNAVAILABLE', 'nobody answers', { retryable: true });

describe('a dependency', () => {
  it('is waited for with a growing pause that has a bound, and told of once per reason and half minute', async () => {
    const { clock, lines, dependencies } = world();
    const triedAtMs: number[] = [];
    let isThere = false;
    const opening = dependencies.open('nats', async () => {
      triedAtMs.push(clock.nowMs());
      if (!isThere) throw away;
      return 'link';
    });
    for (let second = 0; second < 65; second += 0.25) {
      await settled();
      clock.advance(250);
    }
    expect(triedAtMs.slice(0, 6)).toEqual([0, 250, 750, 1_750, 3_750, 7_750]);
    const pauses = triedAtMs.slice(5).map((at, i, all) => (all[i + 1] ?? at + 5_000) - at);
    expect(new Set(pauses)).toEqual(new Set([5_000]));
    expect(lines.filter(([, message]) => message === 'waits for a dependency').length).toBe(3);
    expect(await dependencies.rows()).toEqual([{ name: 'nats', ok: false, detail: 'NATS_UNAVAILABLE: nobody answers' }]);
    isThere = true;
    clock.advance(5_000);
    expect(await opening).toBe('link');
    expect(await dependencies.rows()).toEqual([{ name: 'nats', ok: true, detail: 'open' }]);
  });

  it('that an operator has to mend is an error in the log, and waited for too', async () => {
    const { clock, lines, dependencies } = world();
    let isDenied = true;
    const opening = dependencies.open('nats', async () => {
      if (isDenied) throw new Fault('NATS_DENIED', 'no such user');
    });
    await settled();
    expect(lines.at(-1)?.slice(0, 2)).toEqual(['error', 'waits for a dependency']);
    isDenied = false;
    clock.advance(250);
    await expect(opening).resolves.toBeUndefined();
  });

  it('is not waited for where its code has a bug, or the process is to end', async () => {
    const { abort, dependencies } = world();
    await expect(dependencies.open('store', async () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
    const opening = dependencies.open('nats', async () => Promise.reject(away)).catch((error: unknown) => (error as Error).name);
    await settled();
    abort.abort();
    expect(await opening).toBe('AbortError');
  });

  it('that is open is asked how it is, each time', async () => {
    const { dependencies } = world();
    let isUp = true;
    const probe = async (name: string): Promise<string> => {
      if (!isUp) throw new Error('the connection is lost');
      return `${name} answers`;
    };
    await dependencies.open('nats', async () => 'link', probe);
    await dependencies.open('evidence', async () => 'bucket');
    expect(await dependencies.rows()).toEqual([{ name: 'nats', ok: true, detail: 'link answers' }, { name: 'evidence', ok: true, detail: 'open' }]);
    isUp = false;
    expect((await dependencies.rows())[0]).toEqual({ name: 'nats', ok: false, detail: 'the connection is lost' });
  });
});
