import { Fault, type Cursor, type Version } from '@maestro/ports';

/**
 * A place in the order of all events: the stream sequence of a commit, and how many of its events come after the place. Counted
 * from the end, so that the end of a commit is known without reading it: `remaining` 0.
 */
export type Place = { readonly seq: number; readonly remaining: number };

/** Before the first event. */
export const START: Place = { seq: 0, remaining: 0 };

/** Ascending in append order. */
export const comparePlaces = (a: Place, b: Place): number => a.seq - b.seq || b.remaining - a.remaining;

/** Cursors of one life of the stream: one that was deleted and made again gives other ones. */
export class Cursors {
  readonly #incarnation: string;

  /** `created` is the stream's own time of creation, to the nanosecond. */
  constructor(created: string) {
    this.#incarnation = created.replaceAll(/\D/g, '');
  }

  at({ seq, remaining }: Place): Cursor {
    return `${this.#incarnation}.${seq}.${remaining}`;
  }

  /** START for null. Fault CURSOR_INVALID: the text is no cursor of this stream. */
  parse(cursor: Cursor | null): Place {
    if (cursor === null) return START;
    const own = cursor.startsWith(`${this.#incarnation}.`) ? cursor.slice(this.#incarnation.length + 1) : '';
    const [, seq, remaining] = /^([1-9]\d{0,14})\.(0|[1-9]\d{0,5})$/.exec(own) ?? [];
    if (seq === undefined) {
      throw new Fault('CURSOR_INVALID', `"${cursor}" is no place in this store (${this.#incarnation}); start from one of its checkpoints, or from null`);
    }
    return { seq: Number(seq), remaining: Number(remaining) };
  }
}

/** A stream stands after the commit with this sequence, whose last event has this revision. */
export type Head = { readonly seq: number; readonly revision: number };

/** Before the first commit of a stream. */
export const NONE: Head = { seq: 0, revision: -1 };

export const versionOf = ({ seq, revision }: Head): Version => ({ revision: BigInt(revision), token: `${seq}:${revision}` });

/** Where a caller stands; undefined for a version that this store never gave. */
export function headOf(expected: 'none' | Version): Head | undefined {
  if (expected === 'none') return NONE;
  const [, seq, revision] = /^([1-9]\d{0,14}):(\d{1,15})$/.exec(expected.token) ?? [];
  return seq === undefined || String(expected.revision) !== revision ? undefined : { seq: Number(seq), revision: Number(revision) };
}
