import type { StoredEvent } from '@maestro/ports';
import { ChainChecks } from './history/chain-checks.ts';
import { checkClaims } from './history/claim-checks.ts';
import type { Claims } from './history/claim-checks.ts';
import { RunChecks } from './history/run-checks.ts';
import type { RunRecord } from './history/run-checks.ts';
import type { Report, Violation } from './history/violation.ts';

/** What the history held; figures for the harness to print. */
export type HistoryCounts = {
  readonly events: number;
  readonly runs: number;
  readonly receipts: number;
  readonly tasksSucceeded: number;
  readonly retries: number;
  readonly verdicts: { readonly [verdict: string]: number };
};

export type HistoryReport = { readonly violations: readonly Violation[]; readonly counts: HistoryCounts };

/**
 * Checks the whole content of an event store, in its order, and what clients were told about it. Pure, and linear in the
 * number of events: the one judge of every harness, whatever was done to the system before. No violation: no promise
 * was seen broken, among at least `operationsMin` runs.
 */
export function checkHistory(events: Iterable<StoredEvent>, claims: Claims): HistoryReport {
  const violations: Violation[] = [];
  const report: Report = (code, where, detail) => void violations.push({ code, where, detail });
  const chains = new ChainChecks(report);
  const runs = new RunChecks(report);
  const commands = new Map<string, string>();
  let count = 0;
  for (const event of events) {
    count += 1;
    const stored = chains.add(event);
    if (stored === undefined) continue;
    if (!commands.has(stored.commandId)) commands.set(stored.commandId, event.stream);
    runs.add(stored, event.hash);
  }
  runs.finish(claims.isSettled);
  checkClaims(claims, { runs: runs.runs, commands }, report);
  return { violations, counts: countsOf([...runs.runs.values()], count) };
}

function countsOf(runs: readonly RunRecord[], events: number): HistoryCounts {
  const verdicts: Record<string, number> = {};
  for (const { verdict } of runs) verdicts[verdict ?? 'open'] = (verdicts[verdict ?? 'open'] ?? 0) + 1;
  return {
    events,
    runs: runs.length,
    receipts: runs.filter(({ receipt }) => receipt !== null).length,
    tasksSucceeded: runs.reduce((sum, { succeeded }) => sum + succeeded.size, 0),
    retries: runs.reduce((sum, { retriesCount }) => sum + retriesCount, 0),
    verdicts,
  };
}
