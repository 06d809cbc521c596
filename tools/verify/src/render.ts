import Table from 'cli-table3';
import type { CheckResult, SetConclusion } from '@maestro/receipt';
import type { Rebuilt } from './rebuild-folder.ts';

const MARKS = { passed: '✓', failed: '✗', 'not-run': '·', 'not-applicable': '–' } as const;
const COLORS = { passed: '\u001b[32m', failed: '\u001b[31m', 'not-run': '\u001b[2m', 'not-applicable': '\u001b[2m' } as const;
const RESET = '\u001b[0m';

/** Widths in characters; the table fits 100 columns. */
const COLUMN_WIDTHS = [5, 36, 55];

/** The verdict for people: a table of all rows in the order in which they count, then what a failure means and what to do. */
export function renderTable(conclusion: SetConclusion, { color }: { readonly color: boolean }): string {
  const paint = (status: CheckResult['status'], text: string): string => (color ? `${COLORS[status]}${text}${RESET}` : text);
  const table = new Table({
    head: ['#', 'check', 'found'],
    colWidths: COLUMN_WIDTHS,
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [], compact: true },
  });
  for (const { row, title, status, detail } of conclusion.results) {
    table.push([String(row), paint(status, `${MARKS[status]} ${title}`), printable(detail)]);
  }
  return `${headline(conclusion, paint)}\n${table.toString()}\n${advice(conclusion, paint)}`;
}

type Paint = (status: CheckResult['status'], text: string) => string;

function headline({ ok, code, receipt, keyId }: SetConclusion, paint: Paint): string {
  const about = receipt === undefined ? '' : `run ${receipt.executionId} of ${receipt.workflow.id} ${receipt.workflow.version}: ${receipt.verdict}\n`;
  const key = keyId === undefined ? '' : `signed by ${keyId}\n`;
  return printable(about, key) + (ok ? paint('passed', 'VERIFIED') : paint('failed', `NOT VERIFIED: ${code}`));
}

function advice({ results }: SetConclusion, paint: Paint): string {
  return results
    .filter(({ status }) => status === 'failed')
    .map(({ row, code, meaning, remedy }) => `${paint('failed', `${row} ${code}`)}\n  it means: ${meaning}\n  to do:    ${remedy}\n`)
    .join('');
}

/** Details quote the set, which may be hostile: no control character reaches the terminal but line ends of our own. */
function printable(...texts: readonly string[]): string {
  return texts.map((text) => text.replace(/[^\P{C}\n]/gu, '�')).join('');
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
