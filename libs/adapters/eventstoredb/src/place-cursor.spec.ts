import { isFault } from '@maestro/ports';
import { CursorForm, comparePositions } from './place-cursor.ts';

const form = new CursorForm('0f8fad5b-d9cb-469f-a165-70867728950e');
const position = { commit: 18446744073709551614n, prepare: 17n };

describe('cursors', () => {
  it('hold commit and prepare positions of the full width', () => {
    expect(form.positionOf(form.cursorAt(position))).toEqual(position);
  });
  it('of another incarnation, or of another form, are refused', () => {
    const other = new CursorForm('1f8fad5b-d9cb-469f-a165-70867728950e').cursorAt(position);
    for (const bad of [other, '', `${form.cursorAt(position)}0x`, '0f8fad5b-d9cb-469f-a165-70867728950e.01.1']) {
      const fault = (() => {
        try {
          return form.positionOf(bad);
        } catch (error) {
          return error;
        }
      })();
      expect([bad, isFault(fault, 'CURSOR_INVALID')]).toEqual([bad, true]);
    }
  });
  it('compare by commit, then by prepare position', () => {
    const at = (commit: bigint, prepare: bigint): { commit: bigint; prepare: bigint } => ({ commit, prepare });
    expect(comparePositions(at(9n, 1n), at(10n, 0n))).toBe(-1);
    expect(comparePositions(at(10n, 2n), at(10n, 1n))).toBe(1);
    expect(comparePositions(at(10n, 2n), at(10n, 2n))).toBe(0);
  });
});
