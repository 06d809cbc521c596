import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { newEvent, newStream } from '@maestro/conformance';
import type { NewEvent } from '@maestro/ports';
import { packAppends, unpackAppends, type AppendRequest } from './append-batch.ts';
import type { Outcome } from './append-outcome.ts';
import { GroupWriter } from './group-writer.ts';
import { prepareEventTables } from './schema.ts';

function start(): { db: DatabaseSync; writer: GroupWriter } {
  const db = new DatabaseSync(':memory:');
  prepareEventTables(db);
  return { db, writer: new GroupWriter(db) };
}

const write = (writer: GroupWriter, ...requests: AppendRequest[]): Outcome[] =>
  writer.write(unpackAppends(packAppends(requests)));
const append = (stream: string, at: number, ...events: NewEvent[]): AppendRequest => ({ stream, at, events });
const big = (): NewEvent => newEvent(new Uint8Array(20_000).fill(1));
const kinds = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map((o) => (o.kind === 'fault' ? o.fault.code : o.kind));
const count = (db: DatabaseSync): unknown => db.prepare('SELECT count(*) AS n, max(position) AS top FROM events').get();

/** A database whose next commits fail as on a disk that cannot flush; `stuck`: nor can its log be truncated. */
class FailingDisk extends DatabaseSync {
  failures = 0;
  stuck = false;

  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    if (sql === 'COMMIT') {
      const commit = statement.run.bind(statement);
      statement.run = () => {
        if (this.failures-- > 0) throw Object.assign(new Error('disk I/O error'), { errcode: 1034 });
        return commit();
      };
    }
    if (sql.includes('wal_checkpoint') && this.stuck)
      throw Object.assign(new Error('disk I/O error'), { errcode: 1034 });
    return statement;
  }
}

describe('GroupWriter', () => {
  it('says that nothing was written when a flush failed and was taken back, that it is unknown when it was not', () => {
    const db = new FailingDisk(':memory:');
    prepareEventTables(db);
    const writer = new GroupWriter(db);
    const stream = newStream();
    const events = [newEvent(), newEvent()] as const;
    db.failures = 2;
    expect(kinds(write(writer, append(stream, -1, ...events)))).toEqual(['STORE_READ_ONLY']);
    db.stuck = true;
    expect(kinds(write(writer, append(stream, -1, ...events), append(newStream(), -1, newEvent())))).toEqual(
      Array(2).fill('STORE_OUTCOME_UNKNOWN'),
    );
    expect([writer.head.position, count(db)]).toEqual([0, expect.objectContaining({ n: 0 })]);
    expect(write(writer, append(stream, -1, ...events))).toEqual([{ kind: 'appended', firstPosition: 1 }]);
  });
  it('lets a conflict and a wrong hash fail alone in their group', () => {
    const { db, writer } = start();
    const [a, b, c] = [newStream(), newStream(), newStream()];
    const wrong = newEvent('x', { hash: newEvent('y').hash });
    const outcomes = write(
      writer,
      append(a, -1, newEvent()),
      append(b, 5, newEvent()),
      append(c, -1, newEvent(), wrong),
      append(a, 0, newEvent()),
    );
    expect(kinds(outcomes)).toEqual(['appended', 'conflict', 'STORE_DAMAGED', 'appended']);
    expect(count(db)).toMatchObject({ n: 2, top: 2 });
    expect(writer.head.position).toBe(2);
    expect(kinds(write(writer, append(c, -1, newEvent())))).toEqual(['appended']);
  });
  it('sees within a group what the appends before wrote', () => {
    const { writer } = start();
    const stream = newStream();
    const events = [newEvent(), newEvent()] as const;
    const outcomes = write(
      writer,
      append(stream, -1, ...events),
      append(stream, -1, ...events),
      append(stream, -1, newEvent()),
      append(stream, 1, newEvent()),
    );
    expect(outcomes).toEqual([
      { kind: 'appended', firstPosition: 1 },
      { kind: 'deduplicated', lastPosition: 2 },
      { kind: 'conflict', head: 1 },
      { kind: 'appended', firstPosition: 3 },
    ]);
  });
  it('refuses the whole group on a full disk, leaves no trace, and works again when there is room', () => {
    const { db, writer } = start();
    const [a, b] = [newStream(), newStream()];
    write(writer, append(a, -1, newEvent()));
    const before = { position: writer.head.position, hash: Buffer.from(writer.head.hash).toString('hex') };
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
    db.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const group = [append(b, -1, newEvent()), append(a, 0, big()), append(newStream(), -1, newEvent())];
    const refused = write(writer, ...group);
    expect(kinds(refused)).toEqual(Array(3).fill('STORE_READ_ONLY'));
    expect(refused.every((o) => o.kind === 'fault' && o.fault.retryable)).toBe(true);
    expect({ position: writer.head.position, hash: Buffer.from(writer.head.hash).toString('hex') }).toEqual(before);
    expect(count(db)).toMatchObject({ n: 1, top: 1 });
    // conflicts and repeats need no room
    expect(kinds(write(writer, append(a, 7, newEvent())))).toEqual(['conflict']);
    db.exec('PRAGMA max_page_count = 1000000');
    expect(kinds(write(writer, ...group))).toEqual(['appended', 'appended', 'appended']);
    expect(count(db)).toMatchObject({ n: 4, top: 4 });
  });
  it('names the damaged stream alone where an index has lost an entry', () => {
    const { db } = start();
    const [a, b] = [newStream(), newStream()];
    const first = new GroupWriter(db);
    write(first, append(a, -1, newEvent()), append(b, -1, newEvent()));
    db.prepare('UPDATE streams SET head = head + 1 WHERE name = ?').run(a);
    const writer = new GroupWriter(db); // one that remembers no heads
    expect(kinds(write(writer, append(a, 0, newEvent()), append(b, 0, newEvent())))).toEqual([
      'STORE_DAMAGED',
      'appended',
    ]);
  });
  it('writes the neighbours of an append that the tables refuse', () => {
    const { db } = start();
    const [a, b] = [newStream(), newStream()];
    write(new GroupWriter(db), append(a, -1, newEvent()));
    const writer = new GroupWriter(db);
    // a row nobody should have put there: the next revision of `a` exists already, its head agrees with nothing
    db.exec('UPDATE events SET revision = 1 WHERE position = 1; UPDATE streams SET head = 1');
    db.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.revision = 2 BEGIN SELECT raise(abort, 'refused'); END",
    );
    expect(kinds(write(writer, append(b, -1, newEvent()), append(a, 1, newEvent())))).toEqual([
      'appended',
      'STORE_DAMAGED',
    ]);
    expect(writer.head.position).toBe(2);
  });
});
