import type { OfflinePlan } from '@maestro/conductor';
import Table from 'cli-table3';
import type { Paint } from '../screen.ts';
import { labelled, printable } from '../screen.ts';
import { renderFindings } from './denial.ts';
import { count, seconds } from './progress.ts';

/** Tasks listed at most. */
const TASKS_LISTED_MAX = 100;

/** A plan for people: tasks by level, the longest way, decisions, cost, and whether it would start. */
export function renderPlan(plan: OfflinePlan, paint: Paint): string {
  const { workflow, problems, decisions } = plan;
  const denied = decisions.filter(({ allow }) => !allow);
  const verdict = plan.wouldStart
    ? paint('good', '✓ it would start')
    : paint('bad', problems.length > 0 ? `✗ it would not start: ${count(problems.length, 'problem')}` : '✗ policy denies it');
  const rows: (readonly [string, string])[] = [
    ['digest', workflow.digest],
    ['critical path', criticalPathOf(plan)],
    ['policy', decisionRows(decisions, paint)],
    ['cost', costText(plan.estimate)],
  ];
  const found = problems.map(
    ({ pointer, code, message }) => `  ${printable(pointer)}  ${paint('attention', code)}  ${printable(message)}`,
  );
  return [
    '',
    `${verdict}  ${paint('strong', `${workflow.id} ${workflow.version}`)}`,
    '',
    labelled(rows, paint),
    ...(found.length === 0 ? [] : ['', paint('strong', 'Problems'), ...found]),
    ...(denied.length === 0 ? [] : ['', paint('strong', 'Why policy denies it'), renderFindings(denied, paint)]),
    '',
    taskTable(plan, paint),
  ].join('\n');
}

function criticalPathOf({ plan: { criticalPath, tasks } }: OfflinePlan): string {
  const expected = new Map(tasks.map(({ id, expectedDurationMs }) => [id, expectedDurationMs]));
  const totalMs = criticalPath.reduce((sum, id) => sum + (expected.get(id) ?? 0), 0);
  return `${criticalPath.join(' → ')} (about ${seconds(totalMs)})`;
}

/** One row per pack and stage. */
function decisionRows(decisions: OfflinePlan['decisions'], paint: Paint): string {
  const rows = decisions.map(({ stage, pack, allow, violations, obligations }) => {
    const codes = [...new Set(violations.map(({ code }) => code))].join(', ');
    const noted = obligations.length === 0 ? '' : paint('attention', `, noted ${obligations.map(({ code }) => code).join(', ')}`);
    return `${pack}, to ${stage}: ${allow ? paint('good', 'allowed') : paint('bad', `denied, ${codes}`)}${noted}`;
  });
  return rows.join('\n') || 'not asked';
}

function costText({ currency, expectedMicroUsd, highMicroUsd }: OfflinePlan['estimate']): string {
  const money = (microUsd: number): string => (microUsd / 1_000_000).toFixed(6);
  return `${money(expectedMicroUsd)} ${currency} expected, ${money(highMicroUsd)} at most (every attempt until its time limit)`;
}

function taskTable({ plan: { levels, tasks } }: OfflinePlan, paint: Paint): string {
  const levelOf = new Map(levels.flatMap((ids, level) => ids.map((id) => [id, level + 1] as const)));
  const ordered = tasks.toSorted((a, b) => (levelOf.get(a.id) ?? 0) - (levelOf.get(b.id) ?? 0));
  const head = ['level', 'task', 'package', 'class', 'retries', 'time limit', 'needs'];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const { id, uses, class: className, retries, timeoutMs, needs, lateBound } of ordered.slice(0, TASKS_LISTED_MAX)) {
    const named = lateBound ? `${id} ${paint('faint', '*')}` : id;
    table.push([String(levelOf.get(id) ?? ''), named, uses, className, String(retries), seconds(timeoutMs), needsText(needs)]);
  }
  const omitted = ordered.length - TASKS_LISTED_MAX;
  const late = tasks.some(({ lateBound }) => lateBound)
    ? paint('faint', '\n* takes outputs of other tasks: policy sees its arguments when they are known')
    : '';
  return `${table.toString()}${omitted > 0 ? `\nand ${count(omitted, 'more task')}; --json lists all` : ''}${late}`;
}

const NEEDS_SHOWN_MAX = 4;

function needsText(needs: readonly string[]): string {
  const omitted = needs.length - NEEDS_SHOWN_MAX;
  return omitted > 0 ? `${needs.slice(0, NEEDS_SHOWN_MAX).join(', ')} and ${omitted} more` : needs.join(', ');
}
