import { MemoryProcessDisk, MemoryProcessState } from '@maestro/adapter-memory';
import type { Intent, Recorded } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { ProcessState } from '@maestro/ports';
import { IntentBook } from './intent-book.ts';

const AT = '2026-01-05T10:00:00.000Z';

/** An event as the fold sees it; what the book does not look at is left out. */
function event(revision: number, type: string, data: object, stream = 'execution-1'): Recorded {
  return { event: { type, data }, id: `${stream}/${revision}`, stream, revision, at: AT } as unknown as Recorded;
}

const scheduled = (revision: number, taskId: string, stream?: string): Recorded => event(revision, 'execution.task-scheduled.v1', { taskId, attempt: 1, refs: [] }, stream);
const succeeded = (revision: number, taskId: string, stream?: string): Recorded => event(revision, 'execution.task-succeeded.v1', { taskId, attempt: 1 }, stream);
const keysOf = (intents: Iterable<Intent>): string[] => [...intents].map(({ key }) => key).sort();

async function reloaded(disk: MemoryProcessDisk): Promise<{ readonly keys: readonly string[]; readonly cursor: string | null }> {
  const book = new IntentBook(new MemoryProcessState(disk));
  const cursor = await book.load();
  return { keys: keysOf(book.all()), cursor };
}

describe('the book of open intents', () => {
  it('shows after a restart what was open at the last write, and where to fold on', async () => {
    const disk = new MemoryProcessDisk();
    const book = new IntentBook(new MemoryProcessState(disk));
    for (const one of [scheduled(1, 'a'), scheduled(2, 'b'), succeeded(3, 'a')]) book.fold(one);
    await book.write('c3');
    expect(await reloaded(disk)).toEqual({ keys: ['execution-1/task/b/1/run'], cursor: 'c3' });
    book.fold(succeeded(4, 'b'));
    await book.write('c4');
    expect(await reloaded(disk)).toEqual({ keys: [], cursor: 'c4' });
  });

  it('closes nothing that an event itself or a later one opened, however often it is folded', () => {
    const book = new IntentBook(new MemoryProcessState());
    const asked = event(1, 'execution.task-policy-check-requested.v1', { checkId: 'task/a/1', deadlineAt: AT, taskId: 'a' });
    const history = [asked, scheduled(2, 'a')];
    for (const one of history) book.fold(one);
    const again = history.map((one) => book.fold(one).closed.map(({ key, revision }) => `${revision} ${key}`));
    expect(again.flat().filter((closed) => closed.endsWith('/run'))).toEqual([]);
    expect([keysOf(book.all()), book.openCount]).toEqual([['execution-1/task/a/1/run'], 1]);
    expect(keysOf(book.fold(succeeded(3, 'a')).closed)).toEqual(['execution-1/task/a/1/run']);
  });

  it('never writes what opened and closed between two writes', async () => {
    const upserted: string[] = [];
    const state = new MemoryProcessState();
    const book = new IntentBook(new Proxy(state, {
      get: (target, key) => (key === 'apply' ? async (...[, , upserts, deletes]: Parameters<ProcessState['apply']>) => void upserted.push(...upserts.map((row) => row.key), ...deletes) : Reflect.get(target, key)),
    }));
    book.fold(scheduled(1, 'a'));
    book.fold(succeeded(2, 'a'));
    await book.write('c2');
    expect(upserted).toEqual([]);
  });

  it('keeps the changes of a write that failed for the next one: the cursor never passes what the rows show', async () => {
    const disk = new MemoryProcessDisk();
    const inner = new MemoryProcessState(disk);
    let full = false;
    const state: ProcessState = {
      load: (name) => inner.load(name),
      apply: async (...args) => {
        if (full) throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
        return inner.apply(...args);
      },
      close: () => inner.close(),
    };
    const book = new IntentBook(state);
    book.fold(scheduled(1, 'a'));
    await book.write('c1');
    full = true;
    book.fold(succeeded(2, 'a'));
    book.fold(scheduled(3, 'b'));
    await expect(book.write('c3')).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    expect(await reloaded(disk)).toEqual({ keys: ['execution-1/task/a/1/run'], cursor: 'c1' });
    full = false;
    book.fold(scheduled(4, 'c'));
    await book.write('c4');
    expect(await reloaded(disk)).toEqual({ keys: ['execution-1/task/b/1/run', 'execution-1/task/c/1/run'], cursor: 'c4' });
  });

  it('a change during a failed write counts, not the older one', async () => {
    const disk = new MemoryProcessDisk();
    const inner = new MemoryProcessState(disk);
    let fail: ((error: Fault) => void) | undefined;
    const state: ProcessState = {
      load: (name) => inner.load(name),
      apply: (...args) => (fail === undefined ? new Promise<void>((_, reject) => (fail = reject)) : inner.apply(...args)),
      close: () => inner.close(),
    };
    const book = new IntentBook(state);
    book.fold(scheduled(1, 'a'));
    const writing = book.write('c1');
    await Promise.resolve();
    book.fold(succeeded(2, 'a'));
    fail?.(new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true }));
    await expect(writing).rejects.toThrow('STORE_READ_ONLY');
    await book.write('c2');
    expect(await reloaded(disk)).toEqual({ keys: [], cursor: 'c2' });
  });

  it('is due after a thousand events, again where the write failed, and not right after one', async () => {
    const inner = new MemoryProcessState();
    let full = true;
    const state: ProcessState = { load: (name) => inner.load(name), apply: async (...args) => (full ? Promise.reject(new Fault('STORE_READ_ONLY', '')) : inner.apply(...args)), close: () => inner.close() };
    const book = new IntentBook(state);
    for (let i = 0; i < 999; i += 1) book.fold(scheduled(i, `t${i}`));
    expect(book.isDue).toBe(false);
    book.fold(scheduled(999, 't999'));
    expect(book.isDue).toBe(true);
    await expect(book.write('c')).rejects.toThrow('STORE_READ_ONLY');
    expect(book.isDue).toBe(true);
    full = false;
    await book.write('c');
    expect(book.isDue).toBe(false);
    expect(book.openCount).toBe(1_000);
    expect(book.openRunCount).toBe(new Set([...book.all()].map(({ stream }) => stream)).size);
  });

  it('the end of a run closes what is open of it, and nothing of a run whose id begins alike', () => {
    const book = new IntentBook(new MemoryProcessState());
    book.fold(scheduled(1, 'a'));
    book.fold(scheduled(1, 'a', 'execution-12'));
    const { closed } = book.fold(event(2, 'execution.completed.v1', {}));
    expect(keysOf(closed)).toEqual(['execution-1/task/a/1/run']);
    expect(keysOf(book.all())).toEqual(['execution-12/task/a/1/run']);
    expect(keysOf(book.ofStream('execution-12'))).toEqual(['execution-12/task/a/1/run']);
  });

  it('has an intent only as the event asked that opened it last', () => {
    const book = new IntentBook(new MemoryProcessState());
    const [first] = book.fold(scheduled(1, 'a')).opened;
    const [again] = book.fold(scheduled(5, 'a')).opened;
    expect(first && book.has(first)).toBe(false);
    expect(again && book.has(again)).toBe(true);
  });
});
