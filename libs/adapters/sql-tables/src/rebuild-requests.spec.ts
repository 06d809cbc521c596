import { RebuildRequests } from './rebuild-requests.ts';

const HOUR_MS = 3_600_000;

describe('who waits for a request', () => {
  it('is woken by one of this process, by the signal, or by the next look', async () => {
    const requests = new RebuildRequests(HOUR_MS);
    const woken: string[] = [];
    const stop = new AbortController();
    const [one, other] = [new AbortController().signal, stop.signal].map((signal, i) => requests.woken(signal).then(() => woken.push(`waiter ${i}`)));
    stop.abort();
    await other;
    expect(woken).toEqual(['waiter 1']);
    requests.wake();
    await one;
    await new RebuildRequests(1).woken(new AbortController().signal);
    expect(woken).toEqual(['waiter 1', 'waiter 0']);
  });
});
