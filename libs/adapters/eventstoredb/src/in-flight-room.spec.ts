import { isFault } from '@maestro/ports';
import { InFlightRoom } from './in-flight-room.ts';

const o = { timeoutMs: 60_000 };
const MIB = 1024 * 1024;

describe('the room for appends in flight', () => {
  it('lets in so many at once, then in the order in which they came', async () => {
    const room = new InFlightRoom(2);
    const order: number[] = [];
    const releases = await Promise.all([room.enter(1, o), room.enter(1, o)]);
    const later = [1, 2, 3].map((n) => room.enter(1, o).then((release) => (order.push(n), release)));
    expect(order).toEqual([]);
    releases[0]?.();
    releases[0]?.(); // twice is once
    (await later[0])?.();
    (await later[1])?.();
    (await later[2])?.();
    expect(order).toEqual([1, 2, 3]);
    releases[1]?.();
    await room.drained();
  });
  it('bounds bytes too, but lets one in that is larger than all room when it is alone', async () => {
    const room = new InFlightRoom();
    const huge = await room.enter(64 * MIB, o);
    let isIn = false;
    const small = room.enter(1, o).then((release) => ((isIn = true), release));
    await Promise.resolve();
    expect(isIn).toBe(false);
    huge();
    (await small)();
    await room.drained();
  });
  it('sends away whoever waits too long or aborts, and lets the next one in', async () => {
    const room = new InFlightRoom(1);
    const release = await room.enter(1, o);
    const abort = new AbortController();
    const slow = room.enter(1, { timeoutMs: 1 }).catch((e: unknown) => e);
    const gone = room.enter(1, { ...o, signal: abort.signal }).catch((e: unknown) => e);
    const next = room.enter(1, o);
    abort.abort();
    const fault = await slow;
    expect(isFault(fault, 'STORE_UNAVAILABLE') && fault.retryable).toBe(true);
    expect(isFault(await gone, 'ABORTED')).toBe(true);
    release();
    (await next)();
    await room.drained();
  });
});
