import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { newEvent, newStream } from '@maestro/conformance';
import { packAppends } from './append-batch.ts';
import { unpackOutcomes, type Outcome } from './append-outcome.ts';
import { HeadMark } from './head-mark.ts';
import { serveWriter, type FromWriter, type ToWriter } from './writer-loop.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-writer-'));
  path = join(folder, 'events.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The writer on this thread, spoken to as from another. */
class Session {
  readonly #port: MessagePort;
  readonly #messages: FromWriter[] = [];
  #wake = (): void => {};

  constructor(markDelayMs: number) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (m: FromWriter) => {
      this.#messages.push(m);
      this.#wake();
    });
    serveWriter(port2, { path, markDelayMs });
  }

  send(message: ToWriter): void {
    this.#port.postMessage(message);
  }

  append(...streams: string[]): void {
    this.send(packAppends(streams.map((stream) => ({ stream, at: -1, events: [newEvent()] }))));
  }

  async next(): Promise<FromWriter> {
    while (this.#messages.length === 0) await new Promise<void>((wake) => (this.#wake = wake));
    const message = this.#messages.shift();
    if (message === undefined) throw new Error('no message');
    return message;
  }

  async answers(): Promise<Outcome[]> {
    const message = await this.next();
    if (message.kind !== 'answers') throw new Error(`got ${JSON.stringify(message)}`);
    return unpackOutcomes(message);
  }

  async close(): Promise<FromWriter> {
    this.send({ kind: 'close' });
    return this.next();
  }
}

const markPosition = (): number => {
  const mark = new HeadMark(`${path}-mark`);
  mark.close();
  return mark.latest.position;
};

describe('the writer behind its port', () => {
  it('takes everything that waits into one transaction, and answers in order', async () => {
    const session = new Session(60_000);
    expect(await session.next()).toMatchObject({ kind: 'opened', position: 0 });
    const stream = newStream();
    for (let i = 0; i < 5; i += 1) session.append(newStream(), stream);
    const outcomes = await session.answers();
    expect(outcomes.map((o) => o.kind)).toEqual([
      'appended',
      'appended',
      ...Array(4).fill(['appended', 'conflict']).flat(),
    ]);
    expect(await session.close()).toEqual({ kind: 'closed', fault: null });
  });
  it('bounds a transaction, and answers all the same what is beyond', async () => {
    const session = new Session(60_000);
    await session.next();
    for (let i = 0; i < 3; i += 1) session.append(...Array.from({ length: 300 }, () => newStream()));
    const [first, second] = [await session.answers(), await session.answers()];
    expect([first.length, second.length]).toEqual([600, 300]);
    await session.close();
  });
  it('marks the head at once when the delay has passed, later when it has not, and at close', async () => {
    const busy = new Session(0);
    await busy.next();
    busy.append(newStream(), newStream());
    await busy.answers();
    expect(markPosition()).toBe(2);
    await busy.close();
    const idle = new Session(1);
    await idle.next();
    idle.append(newStream());
    await idle.answers();
    while (markPosition() < 3) await new Promise((resolve) => setImmediate(resolve));
    await idle.close();
    const slow = new Session(60_000);
    await slow.next();
    slow.append(newStream());
    await slow.answers();
    expect(markPosition()).toBe(3);
    await slow.close();
    expect(markPosition()).toBe(4);
  });
  it('keeps all its files to the user', async () => {
    const session = new Session(60_000);
    await session.next();
    session.append(newStream());
    await session.answers();
    const modes = ['', '-wal', '-shm', '-mark', '-lock'].map((suffix) => statSync(path + suffix).mode & 0o777);
    expect(modes).toEqual(Array(5).fill(0o600));
    await session.close();
  });
});

describe('opening', () => {
  const refusal = async (): Promise<{ code: string; detail: string }> => {
    const message = await new Session(0).next();
    return message.kind === 'refused' ? message.fault : { code: message.kind, detail: '' };
  };
  async function fill(count: number): Promise<void> {
    const session = new Session(0);
    await session.next();
    session.append(...Array.from({ length: count }, () => newStream()));
    await session.answers();
    await session.close();
  }
  const sql = (statement: string): void => {
    const db = new DatabaseSync(path);
    db.exec(statement);
    db.close();
  };

  it('refuses a second writer, and lets the next one in when the first is gone', async () => {
    const session = new Session(0);
    await session.next();
    expect((await refusal()).code).toBe('STORE_IN_USE');
    await session.close();
    const next = new Session(0);
    expect((await next.next()).kind).toBe('opened');
    await next.close();
  });
  it('refuses a store that lost acknowledged events, and says which', async () => {
    await fill(5);
    sql('DELETE FROM events WHERE position > 3');
    const fault = await refusal();
    expect(fault.code).toBe('STORE_BEHIND_MARK');
    expect(fault.detail).toContain('at position 5');
    expect(fault.detail).toContain('ends at 3: events 4 to 5 are missing');
  });
  it('refuses a store whose marked event alone is missing', async () => {
    await fill(5);
    const session = new Session(60_000);
    await session.next();
    session.append(newStream());
    await session.answers();
    await session.close();
    sql('DELETE FROM events WHERE position = 6');
    expect((await refusal()).detail).toContain('ends at 5: event 6 is missing');
  });
  it('refuses a store with another history, and one whose database is gone', async () => {
    await fill(3);
    sql('UPDATE events SET hash = zeroblob(32) WHERE position = 3');
    const other = await refusal();
    expect(other).toMatchObject({ code: 'STORE_BEHIND_MARK' });
    expect(other.detail).toContain(`the store has ${'00'.repeat(32)}`);
    rmSync(path);
    expect((await refusal()).detail).toContain('ends at 0: events 1 to 3 are missing');
  });
  it('accepts a store that is ahead of its mark', async () => {
    await fill(3);
    const early = readFileSync(`${path}-mark`);
    await fill(4);
    writeFileSync(`${path}-mark`, early);
    const session = new Session(0);
    expect(await session.next()).toMatchObject({ kind: 'opened', position: 7 });
    await session.close();
  });
  it('refuses a store of a newer version and a file that is no database', async () => {
    await fill(1);
    sql("UPDATE meta SET value = '2' WHERE key = 'schema_version'");
    expect((await refusal()).code).toBe('STORE_NEWER');
    for (const suffix of ['-mark', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    writeFileSync(path, 'this is not a database, whatever its name says '.repeat(100));
    expect((await refusal()).code).toBe('STORE_DAMAGED');
  });
});
