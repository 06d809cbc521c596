import type { Bug } from './bug.ts';

/** For a document: one row each, by the id that reproduces it. */
export function bugTable(bugs: readonly Bug[]): string {
  const rows = bugs.map(({ id, what, foundBy, fixedIn }) => `| \`${id}\` | ${what} | ${foundBy} | ${fixedIn} |`);
  return ['| `./maestro chaos --reproduce` | what went wrong | found by | fixed in |', '|---|---|---|---|', ...rows].join('\n');
}
