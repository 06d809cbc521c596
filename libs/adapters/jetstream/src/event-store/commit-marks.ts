/** A commit of a stream: its sequence, and the revision of its first event. */
export type CommitMark = { readonly firstRevision: number; readonly seq: number };

const STREAMS_MAX = 4_096;
const MARKS_PER_STREAM_MAX = 8;

/**
 * Remembers where commits lie, so that the tail of a stream is read without what comes before it. Commits never move, so a mark
 * is right for ever; the streams and marks used last are kept.
 */
export class CommitMarks {
  readonly #streams = new Map<string, CommitMark[]>();

  note(stream: string, mark: CommitMark): void {
    const marks = (this.#streams.get(stream) ?? []).filter(({ seq }) => seq !== mark.seq);
    this.#streams.delete(stream);
    this.#streams.set(stream, [...marks, mark].slice(-MARKS_PER_STREAM_MAX));
    const [oldest] = this.#streams.size > STREAMS_MAX ? this.#streams.keys() : [];
    if (oldest !== undefined) this.#streams.delete(oldest);
  }

  /** The last known commit that begins at or before a revision; undefined: none is known. */
  before(stream: string, revision: number): CommitMark | undefined {
    const marks = this.#streams.get(stream) ?? [];
    const begun = marks.filter((mark) => mark.firstRevision <= revision);
    return begun.reduce<CommitMark | undefined>((a, b) => (a !== undefined && a.seq > b.seq ? a : b), undefined);
  }
}
