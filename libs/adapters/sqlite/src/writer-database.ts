import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { GroupWriter } from './group-writer.ts';
import { HeadMark, type HeadMarkEntry } from './head-mark.ts';
import { createPrivateFile, lockFile, syncFolder } from './private-file.ts';
import { prepareEventTables } from './schema.ts';
import { original } from './storage-fault.ts';

/** How the writer opens the store; crosses the thread boundary. */
export type WriterOptions = {
  readonly path: string;
  /** how long after a commit the head mark may still lack it */
  readonly markDelayMs: number;
  /** the database takes no more than this; undefined: as much as the disk */
  readonly storeBytesMax?: number;
};

export type WriterDatabase = {
  readonly incarnation: string;
  readonly writer: GroupWriter;
  readonly mark: HeadMark;
  /** Writes the mark, empties the log into the database, releases files and lock. */
  close(): void;
};

function checkMark(db: DatabaseSync, path: string, mark: HeadMarkEntry, head: HeadMarkEntry): void {
  if (mark.position === 0) return;
  const stored = db.prepare('SELECT hash FROM events WHERE position = ?').get(mark.position)?.['hash'] as
    Uint8Array | undefined;
  const advice =
    `nothing runs on a store that forgot what it acknowledged: restore a backup at least as new; ` +
    `restore --data ${dirname(path)} --accept-loss goes on without them`;
  const markHash = Buffer.from(mark.hash).toString('hex');
  if (head.position < mark.position || stored === undefined) {
    const missing = stored === undefined && head.position >= mark.position ? mark.position : head.position + 1;
    const range = missing === mark.position ? `event ${missing} is` : `events ${missing} to ${mark.position} are`;
    throw new Fault(
      'STORE_BEHIND_MARK',
      `the head mark is at position ${mark.position} (hash ${markHash}), ` +
        `the store ends at ${head.position}: ${range} missing; ${advice}`,
    );
  }
  if (Buffer.compare(stored, mark.hash) === 0) return;
  const found = Buffer.from(stored).toString('hex');
  throw new Fault(
    'STORE_BEHIND_MARK',
    `at position ${mark.position} the head mark has hash ${markHash}, the store has ${found}; ${advice}`,
  );
}

function configure(db: DatabaseSync, o: WriterOptions): void {
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000; PRAGMA cache_size = -16000',
  );
  db.exec('PRAGMA wal_autocheckpoint = 2000');
  if (o.storeBytesMax === undefined) return;
  const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.['page_size']);
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(o.storeBytesMax / pageBytes))}`);
}

/**
 * SQLite opens a file for reading only where opening it for writing failed, even by an error that passes, and keeps it so
 * for as long as it is open: such a store would refuse for ever. Opening it again is what mends it. `BEGIN IMMEDIATE`
 * alone says nothing of the database's own file: on one that is read-only it begins to read. No page of events is looked at.
 */
function checkWritable(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE; DELETE FROM events WHERE 0; ROLLBACK');
}

/**
 * Opens the store for its one writer, creating it where it is missing. Throws faults (STORE_IN_USE, STORE_NEWER,
 * STORE_BEHIND_MARK, STORE_DAMAGED, SQLITE_TOO_OLD) and errors of the database; leaves nothing open then.
 */
export function openWriterDatabase(o: WriterOptions): WriterDatabase {
  const unwind: (() => void)[] = [];
  try {
    unwind.push(lockFile(`${o.path}-lock`));
    const mark = new HeadMark(`${o.path}-mark`);
    unwind.push(() => mark.close());
    createPrivateFile(o.path);
    const db = new DatabaseSync(o.path);
    unwind.push(() => db.close());
    configure(db, o);
    const incarnation = prepareEventTables(db, original(o.path));
    syncFolder(dirname(o.path));
    checkWritable(db);
    const writer = new GroupWriter(db);
    checkMark(db, o.path, mark.latest, writer.head);
    const close = (): void => {
      try {
        mark.write(writer.head);
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } finally {
        for (const release of unwind.reverse()) release();
      }
    };
    return { incarnation, writer, mark, close };
  } catch (error) {
    for (const release of unwind.reverse()) release();
    throw error;
  }
}
