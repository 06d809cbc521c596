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

/** The document with new text between the marks of a section. Throws where it has none. */
export function withSection(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n${text}\n${document.slice(to)}`;
}
