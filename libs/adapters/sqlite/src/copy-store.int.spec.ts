import { createHash, randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamName } from '@maestro/domain';
import type { EventStore, NewEvent, Version } from '@maestro/ports';
import { beginNewIncarnation, copyEventStore, lockEventStore } from './copy-store.ts';
import { openSqliteEventStore } from './event-store.ts';
import { findStoreLoss } from './store-loss.ts';
import { sweepEventStore } from './sweep.ts';

let folder = '';
let path = '';
let copy = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-copy-'));
  path = join(folder, 'events.db');
  copy = join(folder, 'copy.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function newEvent(text: string): NewEvent {
  const bytes = Buffer.from(text);
  return { id: randomUUID(), type: 'test.happened.v1', bytes, hash: createHash('sha256').update(Uint8Array.of(0)).update(bytes).digest('hex'), sealed: null };
}

async function append(store: EventStore, stream: string, at: 'none' | Version, text: string): Promise<Version> {
  const answer = await store.append(stream as StreamName, at, [newEvent(text)]);
  if (answer.kind !== 'appended') throw new Error(answer.kind);
  return answer.version;
}

/** Events one after the other, on streams of two events each. */
async function fill(store: EventStore, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n += 1) {
    const first = await append(store, `test-${n}`, 'none', `${n} first`);
    await append(store, `test-${n}`, first, `${n} second`);
  }
}

async function withStore<T>(use: (store: EventStore) => Promise<T>, at = path): Promise<T> {
  const store = await openSqliteEventStore({ path: at });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

describe('copying an event store', () => {
  it('gives a whole store with its own mark while the first goes on', async () => {
    const copied = await withStore(async (store) => {
      await fill(store, 0, 5);
      const made = copyEventStore({ from: path, to: copy });
      await fill(store, 5, 2);
      return made;
    });
    expect(copied.position).toBe(10);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(await sweepEventStore({ path: copy })).toMatchObject({ kind: 'swept', eventCount: 10, damages: [], markFault: null, incarnation: copied.incarnation });
    await withStore((store) => fill(store, 20, 1), copy);
    expect(findStoreLoss({ kept: path, givenUp: path })).toBeNull();
  });

  it('refuses a store that is behind its mark, and one that is not there', async () => {
    await withStore((store) => fill(store, 0, 1));
    copyFileSync(path, `${path}.old`);
    await withStore((store) => fill(store, 1, 1));
    copyFileSync(`${path}.old`, path);
    expect(() => copyEventStore({ from: path, to: copy })).toThrow(/STORE_BEHIND_MARK.*position 4.*ends at 2/);
    expect(() => copyEventStore({ from: join(folder, 'none.db'), to: copy })).toThrow(/STORE_DAMAGED.*missing/);
    expect(existsSync(join(folder, 'none.db'))).toBe(false);
  });

  it('makes a store of its own: places of the first are none of the second', async () => {
    const { incarnation } = await withStore(async (store) => fill(store, 0, 1).then(() => copyEventStore({ from: path, to: copy })));
    expect(beginNewIncarnation(copy)).not.toBe(incarnation);
    const cursor = await withStore((store) => store.head());
    await withStore(async (store) => {
      await expect(store.readAll({ after: cursor, limit: 1 })).rejects.toThrow('CURSOR_INVALID');
      expect((await store.readAll({ after: null, limit: 9 })).events).toHaveLength(2);
    }, copy);
  });

  it('locks as an open store does', async () => {
    const release = lockEventStore(path);
    await expect(openSqliteEventStore({ path })).rejects.toThrow('STORE_IN_USE');
    release();
    await withStore(async () => undefined);
  });
});

describe('what is gone with a store', () => {
  /** A copy, then what only the first store has. */
  async function parted(): Promise<void> {
    await withStore(async (store) => {
      await fill(store, 0, 2);
      copyEventStore({ from: path, to: copy });
      await fill(store, 2, 2);
    });
  }

  it('is nothing where the kept store has it all', async () => {
    await parted();
    expect(findStoreLoss({ kept: path, givenUp: copy })).toBeNull();
  });

  it('is told by stream and revision while it can be read', async () => {
    await parted();
    expect(findStoreLoss({ kept: copy, givenUp: path })).toMatchObject({
      fromPosition: 5,
      toPosition: 8,
      eventCount: 4,
      keptPosition: 4,
      streams: [
        { stream: 'test-2', fromRevision: 0, toRevision: 1 },
        { stream: 'test-3', fromRevision: 0, toRevision: 1 },
      ],
      streamsOmitted: 0,
    });
  });

  it('is counted by the mark where the events cannot be read', async () => {
    await parted();
    rmSync(path);
    expect(findStoreLoss({ kept: copy, givenUp: path })).toMatchObject({ fromPosition: 5, toPosition: 8, eventCount: 4, streams: null });
    copyFileSync(copy, path);
    expect(findStoreLoss({ kept: path, givenUp: path })).toMatchObject({ fromPosition: 5, toPosition: 8, eventCount: 4, streams: null });
  });

  it('begins where two histories part', async () => {
    await parted();
    await withStore((store) => fill(store, 10, 3), copy);
    expect(findStoreLoss({ kept: copy, givenUp: path })).toMatchObject({ commonPosition: 4, fromPosition: 5, toPosition: 8, keptPosition: 10 });
    rmSync(path);
    expect(findStoreLoss({ kept: copy, givenUp: path })).toMatchObject({ commonPosition: 0, fromPosition: 1, toPosition: 8, streams: null });
  });
});
