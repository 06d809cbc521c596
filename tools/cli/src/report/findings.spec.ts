import type { DoctorReport } from '@maestro/conductor';
import { renderFindings } from './findings.ts';

const bare = (_tone: string, text: string): string => text;
const finding = (check: string, status: DoctorReport['findings'][number]['status'], items: readonly string[] = [], advice: string | null = null) => ({ check, status, detail: `detail of ${check}`, advice, items });
const report = (ok: boolean, ...findings: DoctorReport['findings']): DoctorReport => ({ ok, dataDir: '/d', findings, repaired: [] });

describe('the findings of the doctor', () => {
  it('are one line each where all is in order; only the configuration shows its values', () => {
    expect(renderFindings(report(true, finding('node', 'ok', ['hidden']), finding('config', 'ok', ['port = 1 (--port)']), finding('records', 'skipped')), bare)).toBe(
      ['  ✓ node     detail of node', '  ✓ config   detail of config', '      port = 1 (--port)', '  – records  detail of records', '', '  nothing is wrong'].join('\n'),
    );
  });
  it('say what is concerned and what to do where something is wrong', () => {
    const text = renderFindings(report(false, finding('event-store', 'problem', ['position 3'], 'restore'), finding('disk-space', 'warning', [], 'free space')), bare);
    expect(text.split('\n')).toEqual(['  ✗ event-store  detail of event-store', '      position 3', '      to do: restore', '  ! disk-space   detail of disk-space', '      to do: free space', '', '  1 problem, 1 to be looked at']);
  });
  it('say that all is mended, and let no control character out', () => {
    const text = renderFindings(report(true, finding('file-modes', 'problem', ['\u001b[2J'], 'chmod')), bare);
    expect(text).toMatch(/everything that was wrong is mended$/);
    expect(text).not.toContain('\u001b');
  });
});
