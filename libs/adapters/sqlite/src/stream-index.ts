import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';

/** A stream as the database knows it; `head` is the revision of its last event. */
export type StreamRow = { readonly id: number; readonly head: number };

/** Finds streams by name, by two ways that must agree, so that damage is never taken for a missing or shorter stream. */
export class StreamIndex {
  readonly #byName: StatementSync;
  readonly #byNameAgain: StatementSync;
  readonly #byId: StatementSync;
  readonly #lastRevision: StatementSync;

  constructor(db: DatabaseSync) {
    this.#byName = db.prepare('SELECT id FROM streams INDEXED BY streams_by_name WHERE name = ?');
    this.#byNameAgain = db.prepare('SELECT id FROM streams INDEXED BY streams_by_name_again WHERE name = ?');
    this.#byId = db.prepare('SELECT name, head FROM streams WHERE id = ?');
    this.#lastRevision = db.prepare(
      'SELECT max(revision) AS head FROM events INDEXED BY events_by_stream WHERE stream_id = ?',
    );
  }

  /** Undefined: no such stream. STORE_DAMAGED where the ways disagree. */
  find(name: string): StreamRow | undefined {
    const first = this.#byName.get(name);
    const second = this.#byNameAgain.get(name);
    if (first === undefined && second === undefined) return undefined;
    const id = Number(first?.['id']);
    const row = this.#byId.get(id);
    const head = this.#lastRevision.get(id)?.['head'];
    if (id !== Number(second?.['id']) || row?.['name'] !== name || row['head'] !== head || typeof head !== 'number') {
      throw new Fault('STORE_DAMAGED', `the index entries of stream ${name} contradict each other; restore a backup`);
    }
    return { id, head };
  }

  /** The name under an id, unproved: the row digest of an event proves it. */
  nameOf(id: number): string | undefined {
    const name = this.#byId.get(id)?.['name'];
    return typeof name === 'string' ? name : undefined;
  }
}
