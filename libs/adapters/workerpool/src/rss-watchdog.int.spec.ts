import { RssWatchdog, readRssBytes } from './rss-watchdog.ts';

describe('readRssBytes', () => {
  it('tells the resident size of a process, as the process itself sees it', () => {
    const own = process.memoryUsage.rss();
    const seen = readRssBytes(process.pid) ?? 0;
    expect(Math.abs(seen - own)).toBeLessThan(own / 4);
    expect(readRssBytes('self')).not.toBeNull();
  });

  it('is null for a process that is not there', () => {
    expect(readRssBytes(2 ** 30)).toBeNull();
  });
});

describe('RssWatchdog', () => {
  it('tells sizes until it is told to stop, and passes over processes that are gone', async () => {
    const watchdog = new RssWatchdog();
    const { promise, resolve } = Promise.withResolvers<number>();
    const stopGone = watchdog.watch(2 ** 30, () => resolve(-1));
    const stop = watchdog.watch(process.pid, resolve);
    expect(await promise).toBeGreaterThan(1_000_000);
    stopGone();
    stop();
    const again = Promise.withResolvers<number>();
    const stopAgain = watchdog.watch(process.pid, again.resolve);
    expect(await again.promise).toBeGreaterThan(1_000_000);
    stopAgain();
  });
});
