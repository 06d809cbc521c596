import type { DoctorReport, Finding } from '@maestro/conductor';
import { printable } from '../screen.ts';
import type { Paint, Tone } from '../screen.ts';

const MARKS: { readonly [status in Finding['status']]: readonly [mark: string, tone: Tone] } = {
  ok: ['✓', 'good'],
  warning: ['!', 'attention'],
  problem: ['✗', 'bad'],
  skipped: ['–', 'faint'],
};

/** Items of what is in order are shown for the configuration only: its values and where they came from. */
const SHOWN_WHEN_FINE = new Set(['config', 'conductor']);

/** One line a finding; what is wrong with its items and what to do below it. */
export function renderFindings({ findings, ok }: DoctorReport, paint: Paint): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, detail, advice, items }) => {
    const [mark, tone] = MARKS[status];
    const isShown = status === 'problem' || status === 'warning' || SHOWN_WHEN_FINE.has(check);
    return [
      `  ${paint(tone, mark)} ${check.padEnd(width)}  ${printable(detail)}`,
      ...(isShown ? items.map((item) => paint('faint', `      ${printable(item)}`)) : []),
      ...(advice === null ? [] : [`      ${paint('strong', 'to do:')} ${printable(advice)}`]),
    ];
  });
  const counted = (status: Finding['status']): number => findings.filter((finding) => finding.status === status).length;
  const problems = counted('problem');
  const verdict = ok ? paint('good', problems === 0 ? 'nothing is wrong' : 'everything that was wrong is mended') : paint('bad', `${problems} problem${problems === 1 ? '' : 's'}`);
  const warnings = counted('warning') === 0 ? '' : `, ${counted('warning')} to be looked at`;
  return [...lines, '', `  ${verdict}${warnings}`].join('\n');
}
