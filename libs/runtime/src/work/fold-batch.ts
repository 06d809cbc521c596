import { auditRowOf, commandRowOf, decisionRowOf, projectExecution, projectWorkflow, receiptRowsOf } from '@maestro/domain';
import type { AuditRow, DecisionRow, ExecutionRow, Recorded, WorkflowRow } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { ReadModels, Side, Upserts } from '@maestro/ports';
import { StreamFailure } from '../supervision/stream-failure.ts';

/** Categories of the streams that rows are made of. */
export const FOLDED_CATEGORIES = ['execution', 'workflow', 'receipt'] as const;

/** Rows of a batch; a stream that cannot be folded is named, so that the others go on without it. */
export async function foldable(views: Pick<ReadModels, 'get'>, events: readonly Recorded[], side: Side): Promise<Upserts> {
  try {
    return await foldBatch(views, events, side);
  } catch (error) {
    if (isFault(error)) throw error;
    for (const [stream, own] of Map.groupBy(events, (one) => one.stream)) {
      await foldBatch(views, own, side).catch((cause: unknown) => Promise.reject(new StreamFailure(stream, cause)));
    }
    throw error;
  }
}

type Known = { readonly execution: Map<string, ExecutionRow>; readonly workflow: Map<string, WorkflowRow> };

/**
 * The rows that events make, on top of those that are there. Folding events again that are in the rows already makes
 * no other row, so a batch may come twice.
 */
async function foldBatch(views: Pick<ReadModels, 'get'>, events: readonly Recorded[], side: Side): Promise<Upserts> {
  const load = async <T extends 'execution' | 'workflow'>(table: T) => views.get(table, [...new Set(events.filter((one) => tableOf(one) === table).map(idOf))], side);
  const [executions, workflows] = [await load('execution'), await load('workflow')];
  const rows: Known = { execution: new Map(executions), workflow: new Map(workflows) };
  const decisions: DecisionRow[] = [];
  const audit: AuditRow[] = [];
  for (const recorded of events) {
    fold(rows, recorded);
    const [decision, entry] = [decisionOf(rows, recorded), entryOf(rows, recorded)];
    if (decision !== undefined) decisions.push(decision);
    if (entry !== undefined) audit.push(entry);
  }
  return {
    execution: [...rows.execution].filter(([id, row]) => executions.get(id) !== row).map(([, row]) => row),
    workflow: [...rows.workflow].filter(([id, row]) => workflows.get(id) !== row).map(([, row]) => row),
    command: events.flatMap((recorded) => commandRowOf(recorded) ?? []),
    decision: decisions,
    audit,
    receipt: events.flatMap(receiptRowsOf),
  };
}

function fold(rows: Known, recorded: Recorded): void {
  const id = idOf(recorded);
  if (tableOf(recorded) === 'workflow') {
    const row = projectWorkflow(rows.workflow.get(id), recorded);
    if (row !== undefined) rows.workflow.set(id, row);
    return;
  }
  const row = projectExecution(rows.execution.get(id), recorded);
  if (row !== undefined) rows.execution.set(id, row);
}

/** A decision on a run belongs to its workflow too; the run's first event, which is in its row by now, names it. */
function decisionOf(rows: Known, recorded: Recorded): DecisionRow | undefined {
  const id = idOf(recorded);
  return decisionRowOf(recorded, tableOf(recorded) === 'workflow' ? id : (rows.execution.get(id)?.workflowId ?? ''));
}

/** Roles carry out what a person asked for: the entry names the person. */
function entryOf(rows: Known, recorded: Recorded): AuditRow | undefined {
  const { event, actor } = recorded;
  switch (event.type) {
    case 'workflow.published.v1':
    case 'workflow.publish-denied.v1': {
      const publication = rows.workflow.get(idOf(recorded))?.publication;
      // another publication was asked for since: this event was folded in before, and its entry stands
      return auditRowOf(recorded, { actor: publication?.checkId === event.data.checkId ? publication.actor : null });
    }
    case 'execution.denied.v1':
      return auditRowOf(recorded, { actor: rows.execution.get(idOf(recorded))?.actor ?? actor });
    default:
      return auditRowOf(recorded, { actor });
  }
}

function tableOf({ stream }: Recorded): 'workflow' | 'execution' {
  return stream.startsWith('workflow-') ? 'workflow' : 'execution';
}

/** Rows are kept under the stream's id, which has one spelling; a run and its receipt share theirs. */
function idOf({ stream }: Recorded): string {
  return stream.slice(stream.indexOf('-') + 1);
}
