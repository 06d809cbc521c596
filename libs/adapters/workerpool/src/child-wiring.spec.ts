import { EventEmitter } from 'node:events';
import { ChildHost } from './child-host.ts';
import { wire } from './child-wiring.ts';

class RecordingHost extends ChildHost {
  readonly told: unknown[] = [];
  constructor() {
    const unused = (): never => {
      throw new Error('not used here');
    };
    super({ pid: 1, emit: unused, rssBytes: unused, exit: unused, import: unused, isIntact: unused }, { reuseRssMaxBytes: 0 });
  }
  override onUncaught = (error: unknown): void => void this.told.push(['uncaught', error]);
  override onAbort = (): void => void this.told.push('abort');
  override onExit = (): void => void this.told.push('exit');
  override onOutput = (text: string): void => void this.told.push(text);
}

const wired = () => {
  const host = new RecordingHost();
  const written: string[] = [];
  const stream = (name: string) => ({ write: () => (written.push(name), true) });
  const target = Object.assign(new EventEmitter(), { stdout: stream('stdout'), stderr: stream('stderr') });
  wire(host, target);
  return { host, written, target, print: target.stdout.write as unknown as (...args: unknown[]) => boolean };
};

describe('wire', () => {
  it('tells the host of errors that nobody caught, of aborts and of the end', () => {
    const { host, target } = wired();
    for (const event of ['uncaughtException', 'unhandledRejection', 'SIGUSR2', 'SIGINT', 'exit']) target.emit(event, event);
    expect(host.told).toEqual([['uncaught', 'uncaughtException'], ['uncaught', 'unhandledRejection'], 'abort', 'exit']);
  });

  it('leaves SIGTERM to kill, and takes SIGINT, which a terminal sends to the whole group', () => {
    const { target } = wired();
    expect(target.listenerCount('SIGTERM')).toBe(0);
    expect(target.listenerCount('SIGINT')).toBe(1);
  });

  it('hands on what is printed, text and bytes, writes none of it, and calls back', async () => {
    const { host, written, target, print } = wired();
    expect(print('a')).toBe(true);
    print(Buffer.from('ü'));
    await new Promise((resolve) => print('b', resolve));
    await new Promise((resolve) => print('c', 'utf8', resolve));
    (target.stderr.write as unknown as typeof print)('d');
    expect(host.told).toEqual(['a', 'ü', 'b', 'c', 'd']);
    expect(written).toEqual([]);
  });
});
