import type { ReceiptV1 } from '@maestro/contracts';
import Table from 'cli-table3';
import { labelled } from '../screen.ts';
import type { Paint, Tone } from '../screen.ts';
import { count, seconds } from './progress.ts';

/** Steps listed at most; beyond, only those that did not end well. */
const STEPS_LISTED_MAX = 40;

type Step = ReceiptV1['steps'][number];
type Decision = ReceiptV1['policyDecisions'][number];

const STEP_TONES: Readonly<Record<Step['status'], Tone>> = {
  ok: 'good',
  failed: 'bad',
  'timed-out': 'bad',
  skipped: 'attention',
  cancelled: 'attention',
};

/** The receipt for people: verdict, facts, policy, steps. */
export function renderSummary(receipt: ReceiptV1, keyId: string | undefined, paint: Paint): string {
  const { workflow, verdict, executionId, requestedAt, finishedAt, cost, counts, policyDecisions } = receipt;
  const good = verdict === 'succeeded';
  const rows: (readonly [string, string])[] = [
    ['run', executionId],
    [
      'workflow',
      `${workflow.id} ${workflow.version} (${workflow.channel})${workflow.region === null ? '' : `, region ${workflow.region}`}`,
    ],
    ['requested', `${requestedAt} by ${receipt.requestedBy}`],
    ['took', seconds(Date.parse(finishedAt) - Date.parse(requestedAt))],
    ['cost', `${(cost.microUsd / 1_000_000).toFixed(6)} ${cost.currency}`],
    ['tasks', countsText(counts, receipt.steps)],
    ['policy', policyRows(policyDecisions, paint).join('\n') || 'no decision'],
    ['events', `${receipt.stream.count}, Merkle root ${receipt.stream.merkleRoot}`],
    ['signed by', keyId ?? 'nobody'],
  ];
  const head = paint(good ? 'good' : 'bad', `${good ? '✓' : '✗'} ${verdict.toUpperCase()}`);
  const title = `${head}  ${paint('strong', `${workflow.id} ${workflow.version}`)}`;
  return ['', title, '', labelled(rows, paint), '', renderSteps(receipt.steps, paint)].join('\n');
}

function countsText(counts: ReceiptV1['counts'], steps: readonly Step[]): string {
  const { succeeded, failed, timedOut, skipped, cancelled, reused, attempts } = counts;
  const listed = Object.entries({ succeeded, failed, 'timed out': timedOut, skipped, cancelled, reused }).filter(
    ([, n]) => n > 0,
  );
  // a denied run never got as far as counting its tasks
  if (listed.length === 0) return `${count(new Set(steps.map(({ id }) => id)).size, 'task')}, none ran`;
  return `${listed.map(([status, n]) => `${n} ${status}`).join(', ')} (${count(attempts, 'attempt')})`;
}

/** One row per pack; all that it decided in this run taken together, deny before allow. */
function policyRows(decisions: readonly Decision[], paint: Paint): string[] {
  return [...Map.groupBy(decisions, ({ pack }) => pack)].map(([pack, rows]) => {
    const denied = rows.filter(({ allow }) => !allow);
    const times = rows.length === 1 ? '' : ` (${rows.length} decisions)`;
    const warnings = unique(rows.flatMap(({ obligations }) => obligations));
    const warned = warnings.length === 0 ? '' : paint('attention', `, noted ${warnings.join(', ')}`);
    if (denied.length === 0) return `${pack}: ${paint('good', 'allowed')}${times}${warned}`;
    const codes = unique(
      denied.flatMap(({ violations, reason }) => (violations.length > 0 ? violations : [reason ?? 'POLICY_DENIED'])),
    );
    return `${pack}: ${paint('bad', `denied, ${codes.join(', ')}`)}${times}${warned}`;
  });
}

function renderSteps(steps: readonly Step[], paint: Paint): string {
  const listed = steps.length > STEPS_LISTED_MAX ? steps.filter(({ status }) => status !== 'ok') : steps;
  const omitted = steps.length - listed.length;
  const table = new Table({
    head: ['task', 'status', 'attempt', 'time', 'package'],
    style: { head: [], border: [], compact: true },
  });
  for (const { id, status, attempt, durationMs, uses, code, reason } of listed) {
    const why = code ?? reason;
    const time = durationMs === null ? '' : seconds(durationMs);
    table.push([
      id,
      paint(STEP_TONES[status], why === null ? status : `${status}: ${why}`),
      attempt === null ? '' : String(attempt),
      time,
      uses,
    ]);
  }
  const more = omitted === 0 ? '' : `\n${count(omitted, 'more step')} ended well; receipt.json lists all`;
  return listed.length === 0 ? more.trimStart() : `${table.toString()}${more}`;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
