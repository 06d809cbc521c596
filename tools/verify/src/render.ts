import Table from 'cli-table3';
import type { CheckResult, SetConclusion } from '@maestro/receipt';
import type { Rebuilt } from './rebuild-folder.ts';

const MARKS = { passed: '✓', failed: '✗', 'not-run': '·', 'not-applicable': '–' } as const;
const COLORS = { passed: '\u001b[32m', failed: '\u001b[31m', 'not-run': '\u001b[2m', 'not-applicable': '\u001b[2m' } as const;
const RESET = '\u001b[0m';

/** Widths in characters with a blank on each side; the table fits 120 columns. */
const FOUND_WIDTH = 70;
const COLUMN_WIDTHS = [5, 40, FOUND_WIDTH];
/** A word longer than its column is broken, not cut: digests stay whole to the eye. */
const LONG_WORD = new RegExp(`\\S{${FOUND_WIDTH - 2}}`, 'gu');

/** The verdict for people: a table of all rows in the order in which they count, then what a failure means and what to do. */
export function renderTable(conclusion: SetConclusion, { color }: { readonly color: boolean }): string {
  const paint = (status: CheckResult['status'], text: string): string => (color ? `${COLORS[status]}${text}${RESET}` : text);
  const table = new Table({
    head: ['#', 'check', 'found'],
    colWidths: COLUMN_WIDTHS,
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const { row, title, status, detail } of conclusion.results) {
    table.push([String(row), paint(status, `${MARKS[status]} ${title}`), printable(detail).replace(LONG_WORD, '$& ')]);
  }
  return `${headline(conclusion, paint)}\n${table.toString()}\n${advice(conclusion, paint)}`;
}

type Paint = (status: CheckResult['status'], text: string) => string;

/** What an unverified set says of itself is shown as its own word only. */
function headline({ ok, code, receipt, keyId }: SetConclusion, paint: Paint): string {
  const verdict = ok ? paint('passed', 'VERIFIED') : paint('failed', `NOT VERIFIED: ${code}`);
  const run = receipt && `run ${receipt.executionId} of ${receipt.workflow.id} ${receipt.workflow.version}: ${receipt.verdict}`;
  const key = keyId && `signed by ${keyId}`;
  const about = [run, key].filter((line) => line !== undefined).map((line) => `\n${ok ? '' : 'it claims: '}${printable(line)}`);
  return verdict + about.join('');
}

function advice({ results }: SetConclusion, paint: Paint): string {
  return results
    .filter(({ status }) => status === 'failed')
    .map(({ row, code, meaning, remedy }) => `${paint('failed', `${row} ${code}`)}\n  it means: ${meaning}\n  to do:    ${remedy}\n`)
    .join('');
}

/** Details quote the set, which may be hostile: no control character of it reaches the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '�');
}

/** The verdict for machines. */
export function renderJson({ ok, exitCode, code, keyId, receipt, results }: SetConclusion): string {
  const run = receipt && { executionId: receipt.executionId, workflow: receipt.workflow.id, version: receipt.workflow.version, verdict: receipt.verdict };
  return `${JSON.stringify({ ok, exitCode, code, keyId: keyId ?? null, run: run ?? null, results }, null, 2)}\n`;
}

/** What a rebuild came to, a line per document. */
export function renderRebuilt({ compared }: Rebuilt): string {
  return compared.map(({ name, identical, detail }) => `${identical ? '✓' : '✗'} ${name}: ${printable(detail)}\n`).join('');
}
