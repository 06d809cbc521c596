import { stripVTControlCharacters } from 'node:util';
import type { Terminal } from './terminal.ts';

const UP = (rows: number): string => (rows === 0 ? '' : `\x1b[${rows}A`);
const TO_LINE_END = '\x1b[K';
const TO_SCREEN_END = '\x1b[J';

/**
 * Lines at the bottom of a terminal that are redrawn in place.
 * R1. Between two calls the cursor stands at the start of the line below the region.
 * R2. Every change is one write and overwrites before it erases: nothing flickers.
 * R3. A narrower terminal has wrapped what was drawn: as many rows are taken back as it takes now.
 */
export class LiveRegion {
  readonly #terminal: Terminal;
  #drawn: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Replaces what is drawn. Lines have to fit the terminal. */
  draw(lines: readonly string[]): void {
    if (lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i])) return;
    this.#terminal.write(`${this.#back()}${textOf(lines)}${TO_SCREEN_END}`);
    this.#drawn = lines;
  }

  /** Writes a text that stays, above the region. */
  above(text: string): void {
    this.#terminal.write(`${this.#back()}${textOf(text.split('\n'))}${textOf(this.#drawn)}${TO_SCREEN_END}`);
  }

  /** Leaves these lines, which may be more than the terminal shows, and draws no more. */
  end(lines: readonly string[]): void {
    this.#terminal.write(`${this.#back()}${textOf(lines)}${TO_SCREEN_END}`);
    this.#drawn = [];
  }

  #back(): string {
    const columns = this.#terminal.columns();
    const rows = this.#drawn.map((line) => Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns)));
    return `\r${UP(rows.reduce((sum, count) => sum + count, 0))}`;
  }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}${TO_LINE_END}\n`).join('');
}
