import { commandRowOf, projectExecution, projectWorkflow } from '@maestro/domain';
import type { ExecutionRow, Recorded, WorkflowRow } from '@maestro/domain';
import type { Clock, EventStore, Log, Metrics, ReadModels } from '@maestro/ports';
import { followEvents } from '../follow-events.ts';

export type ProjectorDependencies = { readonly store: EventStore; readonly views: ReadModels; readonly clock: Clock; readonly metrics: Metrics; readonly log: Log };

/**
 * Folds events into query models, for as long as the signal is quiet.
 * P1. Rows and checkpoint are written in one transaction.
 * P2. Every fold is idempotent by revision: a batch that comes again changes nothing.
 */
export async function projectViews({ store, views, clock, metrics, log }: ProjectorDependencies, signal: AbortSignal): Promise<void> {
  const filter = { categories: ['execution', 'workflow', 'receipt'] };
  await followEvents(store, { after: await views.position(), filter, signal, clock, log, name: 'the projector' }, async ({ events, cursor }) => {
    const executions = await foldInto(events, executionIdOf, projectExecution, (ids) => views.get('execution', ids));
    const workflows = await foldInto(events, workflowIdOf, projectWorkflow, (ids) => views.get('workflow', ids));
    const commands = events.map(commandRowOf).filter((row) => row !== undefined);
    await views.apply(cursor, { execution: executions, workflow: workflows, command: commands });
    metrics.count('mc_projected_events_total', events.length);
  });
}

async function foldInto<Row extends ExecutionRow | WorkflowRow>(
  events: readonly Recorded[],
  idOf: (recorded: Recorded) => string | undefined,
  project: (row: Row | undefined, recorded: Recorded) => Row | undefined,
  load: (ids: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): Promise<readonly Row[]> {
  const ids = new Set(events.map(idOf).filter((id) => id !== undefined));
  if (ids.size === 0) return [];
  const before = await load([...ids]);
  const rows = new Map<string, Row>(before);
  for (const recorded of events) {
    const id = idOf(recorded);
    if (id === undefined) continue;
    const row = project(rows.get(id), recorded);
    if (row !== undefined) rows.set(id, row);
  }
  return [...rows].filter(([id, row]) => before.get(id) !== row).map(([, row]) => row);
}

function executionIdOf({ stream }: Recorded): string | undefined {
  if (stream.startsWith('execution-')) return stream.slice('execution-'.length);
  return stream.startsWith('receipt-') ? stream.slice('receipt-'.length) : undefined;
}

/** Rows are kept under the stream's id, which has one spelling. */
function workflowIdOf({ stream }: Recorded): string | undefined {
  return stream.startsWith('workflow-') ? stream.slice('workflow-'.length) : undefined;
}
