import { Permits } from './permits.ts';

const never = new AbortController().signal;

describe('Permits', () => {
  it('are given at once while there are some, then first come first served', async () => {
    const permits = new Permits(1);
    expect(await permits.acquire(never)).toBe(true);
    const order: number[] = [];
    const waiting = [1, 2].map((n) => permits.acquire(never).then(() => order.push(n)));
    permits.release();
    await waiting[0];
    expect(order).toEqual([1]);
    permits.release();
    await waiting[1];
    expect(order).toEqual([1, 2]);
  });

  it('are not given to those who gave up, and none is lost by it', async () => {
    const permits = new Permits(1);
    await permits.acquire(never);
    const controller = new AbortController();
    const [gaveUp, stayed] = [permits.acquire(controller.signal), permits.acquire(never)];
    controller.abort();
    expect(await gaveUp).toBe(false);
    expect(await permits.acquire(controller.signal)).toBe(false);
    permits.release();
    expect(await stayed).toBe(true);
    permits.release();
    expect(await permits.acquire(never)).toBe(true);
  });

  it('an abort after the permit was given takes nothing away', async () => {
    const permits = new Permits(1);
    await permits.acquire(never);
    const controller = new AbortController();
    const waiting = permits.acquire(controller.signal);
    permits.release();
    controller.abort();
    expect(await waiting).toBe(true);
    const next = permits.acquire(never);
    permits.release();
    expect(await next).toBe(true);
  });
});
