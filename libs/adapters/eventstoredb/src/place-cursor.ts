import { Fault, type Cursor } from '@maestro/ports';

/** A place in the server's log of all events: byte offsets, ascending and sparse. Never calculated with. */
export type LogPosition = { readonly commit: bigint; readonly prepare: bigint };

export const comparePositions = (a: LogPosition, b: LogPosition): number =>
  Number(a.commit > b.commit) - Number(a.commit < b.commit) || Number(a.prepare > b.prepare) - Number(a.prepare < b.prepare);

const OFFSET = '(0|[1-9]\\d{0,19})';
const FORM = new RegExp(`^([0-9a-f-]{36})\\.${OFFSET}\\.${OFFSET}$`);

/** Cursors are `<incarnation>.<commit>.<prepare>`: one of another database, or of a copy made anew, is refused. */
export class CursorForm {
  readonly #incarnation: string;

  constructor(incarnation: string) {
    this.#incarnation = incarnation;
  }

  cursorAt(position: LogPosition): Cursor {
    return `${this.#incarnation}.${position.commit}.${position.prepare}`;
  }

  /** Fault: CURSOR_INVALID. */
  positionOf(cursor: Cursor): LogPosition {
    const [, incarnation, commit, prepare] = FORM.exec(cursor) ?? [];
    if (incarnation !== this.#incarnation || commit === undefined || prepare === undefined) {
      throw new Fault(
        'CURSOR_INVALID',
        `"${cursor}" is no place in this store (${this.#incarnation}); start from one of its checkpoints, or from null`,
      );
    }
    return { commit: BigInt(commit), prepare: BigInt(prepare) };
  }
}
