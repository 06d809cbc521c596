import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isFault } from '@maestro/ports';
import type { ArrivingAppend, ArrivingEvent } from './append-batch.ts';
import type { Outcome } from './append-outcome.ts';
import type { HeadMarkEntry } from './head-mark.ts';
import { rowDigest } from './row-digest.ts';
import { leavesFrames, original, plainFault, unknownOutcome, type PlainFault } from './storage-fault.ts';
import { StreamIndex, type StreamRow } from './stream-index.ts';

/** Heads of the streams written last, so that an append to a known stream looks nothing up. */
const HEADS_MAX = 65_536;

/** How long the writer waits for locks otherwise, as it was opened. */
const BUSY_WAIT_MS = 2_000;
/** How long taking a commit back waits for readers: callers are told within a second that the disk fails. */
const UNDO_WAIT_MS = 300;

const faulted = (fault: PlainFault): Outcome => ({ kind: 'fault', fault });

/**
 * Writes many appends in one transaction, so that they share one fsync. The database's only writer.
 *
 * G1. An append is whole or not there at all; its check and its rows are in the same transaction.
 * G2. A conflict or a damaged stream concerns its own append; neighbours in the transaction are written.
 * G3. Positions are dense: `#position` moves only after COMMIT has returned, and back to it on any failure.
 * G4. `#heads` holds nothing that was not committed, except within a transaction; a failure empties it.
 */
export class GroupWriter {
  readonly #db: DatabaseSync;
  readonly #index: StreamIndex;
  readonly #heads = new Map<string, StreamRow>();
  readonly #insertStream: StatementSync;
  readonly #moveHead: StatementSync;
  readonly #insertEvent: StatementSync;
  readonly #storedEvent: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #position: number;
  #lastHash: Uint8Array;
  #next: number;
  #nextHash: Uint8Array;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#index = new StreamIndex(db);
    this.#insertStream = db.prepare('INSERT INTO streams (name, head) VALUES (?, ?)');
    this.#moveHead = db.prepare('UPDATE streams SET head = ? WHERE id = ?');
    this.#insertEvent = db.prepare(
      `INSERT INTO events (position, stream_id, revision, id, type, bytes, hash, sealed, digest)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#storedEvent = db.prepare(
      'SELECT position, id, type, hash FROM events INDEXED BY events_by_stream WHERE stream_id = ? AND revision = ?',
    );
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    const last = db.prepare('SELECT position, hash FROM events ORDER BY position DESC LIMIT 1').get();
    this.#position = this.#next = Number(last?.['position'] ?? 0);
    this.#lastHash = this.#nextHash = last === undefined ? new Uint8Array(32) : (last['hash'] as Uint8Array);
  }

  /** Where the last commit left the store. */
  get head(): HeadMarkEntry {
    return { position: this.#position, count: this.#position, hash: this.#lastHash };
  }

  /** Outcomes in the order of the appends; what they say is durable. Never throws. */
  write(appends: readonly ArrivingAppend[]): Outcome[] {
    let committing = false;
    try {
      this.#begin.run();
      const outcomes = appends.map((append) => this.#append(append));
      committing = true;
      this.#commit.run();
      this.#position = this.#next;
      this.#lastHash = this.#nextHash;
      return outcomes;
    } catch (error) {
      const undone = this.#undo(committing && leavesFrames(error));
      const fault = undone ? plainFault(error, original(this.#db.location() ?? 'the store')) : unknownOutcome(error);
      // damage may concern one append only: alone, each shows its own
      if (fault.code === 'STORE_DAMAGED' && appends.length > 1)
        return appends.flatMap((append) => this.write([append]));
      return appends.map(() => faulted(fault));
    }
  }

  #append({ stream, at, events }: ArrivingAppend): Outcome {
    let row: StreamRow | undefined;
    try {
      row = this.#heads.get(stream) ?? this.#index.find(stream);
      const head = row?.head ?? -1;
      if (at !== head) return this.#retried(row, at, events);
    } catch (error) {
      if (isFault(error)) return faulted(plainFault(error));
      throw error;
    }
    const stranger = events.find((e) => !hash('sha256', e.prefixed, 'buffer').equals(e.hash));
    if (stranger !== undefined) {
      const detail = `event ${stranger.id} for ${stream} came with a hash that is not its own; nothing was written`;
      return faulted({ code: 'STORE_DAMAGED', detail, retryable: false });
    }
    return this.#insert(stream, row, events);
  }

  #insert(stream: string, row: StreamRow | undefined, events: readonly ArrivingEvent[]): Outcome {
    const firstPosition = this.#next + 1;
    const head = (row?.head ?? -1) + events.length;
    let id = row?.id;
    if (id === undefined) id = Number(this.#insertStream.run(stream, head).lastInsertRowid);
    else this.#moveHead.run(head, id);
    let revision = row === undefined ? 0 : row.head + 1;
    for (const e of events) {
      const position = (this.#next += 1);
      const digest = rowDigest({ position, stream, revision, id: e.id, type: e.type }, e.hash, e.sealed);
      this.#insertEvent.run(position, id, revision, e.id, e.type, e.prefixed.subarray(1), e.hash, e.sealed, digest);
      this.#nextHash = e.hash;
      revision += 1;
    }
    this.#remember(stream, { id, head });
    return { kind: 'appended', firstPosition };
  }

  /** The same events at the same place are this call's own earlier success; anything else is a conflict. */
  #retried(row: StreamRow | undefined, at: number, events: readonly ArrivingEvent[]): Outcome {
    const conflict: Outcome = { kind: 'conflict', head: row?.head ?? -1 };
    if (row === undefined || !(at + events.length <= row.head)) return conflict;
    let lastPosition = 0;
    for (const [i, e] of events.entries()) {
      const stored = this.#storedEvent.get(row.id, at + 1 + i);
      const same = stored?.['id'] === e.id && stored['type'] === e.type;
      if (!same || Buffer.compare(stored['hash'] as Uint8Array, e.hash) !== 0) return conflict;
      lastPosition = Number(stored['position']);
    }
    return { kind: 'deduplicated', lastPosition };
  }

  #remember(stream: string, row: StreamRow): void {
    this.#heads.delete(stream);
    this.#heads.set(stream, row);
    if (this.#heads.size <= HEADS_MAX) return;
    for (const oldest of this.#heads.keys()) return void this.#heads.delete(oldest);
  }

  /**
   * Goes back to the last commit; answers whether that is certain. A commit that failed after its frames were written
   * would be taken for committed by a restart: truncating the log removes them. A reader that holds the log prevents it.
   */
  #undo(framesLeft: boolean): boolean {
    this.#heads.clear();
    this.#next = this.#position;
    this.#nextHash = this.#lastHash;
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (!framesLeft) return true;
      this.#db.exec(`PRAGMA busy_timeout = ${UNDO_WAIT_MS}`);
      return this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0;
    } catch {
      return !framesLeft;
    } finally {
      if (framesLeft) this.#db.exec(`PRAGMA busy_timeout = ${BUSY_WAIT_MS}`);
    }
  }
}
