import type { Paint, Tone } from '../screen.ts';

/** A piece of a line; without a tone it is plain. */
export type Piece = { readonly text: string; readonly tone?: Tone };

/** Paints pieces side by side, cut to a width in characters: what is longer ends with an ellipsis. */
export function fitLine(pieces: readonly Piece[], width: number, paint: Paint): string {
  let left = Math.max(1, width);
  const painted: string[] = [];
  for (const [i, { text, tone }] of pieces.entries()) {
    const rest = pieces.slice(i + 1).some((piece) => piece.text !== '');
    const isCut = text.length > left || (text.length === left && rest);
    const shown = isCut ? `${text.slice(0, left - 1)}…` : text;
    painted.push(tone === undefined || shown === '' ? shown : paint(tone, shown));
    left -= shown.length;
    if (isCut) break;
  }
  return painted.join('');
}
