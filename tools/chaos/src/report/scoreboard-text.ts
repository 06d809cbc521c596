import type { FaultRow } from './fault-row.ts';
import type { Section } from './scoreboard.ts';

const HEADS = ['fault', 'count', 'lost', 'doubled', 'undetected', 'longest stall'] as const;

function cellsOf({ fault, count, lost, doubled, undetected, stallMs }: FaultRow): readonly string[] {
  const shown = (value: number | null): string => (value === null ? '–' : value.toLocaleString('en'));
  return [fault, shown(count), shown(lost), shown(doubled), shown(undetected), stallMs === null ? '–' : `${shown(Math.round(stallMs))} ms`];
}

/** For a terminal: columns side by side. */
export function plainTable(sections: readonly Section[]): string {
  const rows = [HEADS, ...sections.flatMap(({ rows: own }) => own.map(cellsOf))];
  const widths = HEADS.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)));
  return rows.map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')).join('\n');
}

/** For a document, with the harness and its seed in front of each row. */
export function markdownTable(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ harness, rows }) => rows.map((row) => `| ${[harness, ...cellsOf(row)].join(' | ')} |`));
  return [`| harness | ${HEADS.join(' | ')} |`, `|---|---|${HEADS.slice(1).map(() => '---:|').join('')}`, ...lines].join('\n');
}

const BEGIN = '<!-- scoreboard -->';
const END = '<!-- /scoreboard -->';

/** The document with a new scoreboard between its marks. Throws where it has none. */
export function withScoreboard(document: string, scoreboard: string): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the document has no ${BEGIN} … ${END}`);
  return `${document.slice(0, from + BEGIN.length)}\n${scoreboard}\n${document.slice(to)}`;
}
