import { styleText } from 'node:util';
import { LiveRegion } from './live/live-region.ts';
import type { Terminal } from './live/terminal.ts';

/** Meaning of a piece of text; colours follow from it. */
export type Tone = 'good' | 'bad' | 'attention' | 'faint' | 'strong';
export type Paint = (tone: Tone, text: string) => string;

/** Where a verb writes: results to standard output, progress and notices to standard error. */
export type Screen = {
  out(text: string): void;
  note(text: string): void;
  readonly paintOut: Paint;
  readonly paintNote: Paint;
  readonly isOutColored: boolean;
  /** where progress may be redrawn in place; undefined: only lines are wanted */
  readonly terminal: Terminal | undefined;
  /** Begins a region below everything that is noted until it is closed. */
  openRegion(terminal: Terminal): LiveRegion;
  /** Leaves these lines where the region was. */
  closeRegion(lines: readonly string[]): void;
};

const STYLES = { good: 'green', bad: 'red', attention: 'yellow', faint: 'dim', strong: 'bold' } as const;

/** Colours or the bare text. */
export function painter(isColored: boolean): Paint {
  return isColored ? (tone, text) => styleText(STYLES[tone], text, { validateStream: false }) : (_tone, text) => text;
}

type Writable = { write(text: string): unknown };

/** Lines to two streams; every text gets its line end here. A terminal is that of the second. */
export function openScreen(
  stdout: Writable,
  stderr: Writable,
  o: { readonly isOutColored: boolean; readonly isNoteColored: boolean; readonly terminal?: Terminal | undefined },
): Screen {
  let region: LiveRegion | undefined;
  return {
    out: (text) => void stdout.write(`${text}\n`),
    note: (text) => (region === undefined ? void stderr.write(`${text}\n`) : region.above(text)),
    terminal: o.terminal,
    openRegion: (terminal) => (region = new LiveRegion(terminal)),
    closeRegion(lines) {
      region?.end(lines);
      region = undefined;
    },
    paintOut: painter(o.isOutColored),
    paintNote: painter(o.isNoteColored),
    isOutColored: o.isOutColored,
  };
}

/** What others wrote may hold control characters: none but the line end reaches a terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '�');
}

/** `label  text` rows with texts below each other. */
export function labelled(rows: readonly (readonly [label: string, text: string])[], paint: Paint): string {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  return rows
    .map(([label, text]) => `  ${paint('faint', label.padEnd(width))}  ${text.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`)
    .join('\n');
}
