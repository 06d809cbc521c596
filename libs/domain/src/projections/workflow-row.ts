import type { ManifestV1 } from '@maestro/contracts';
import type { Recorded } from '../decider.ts';

/** One workflow in lists and searches. */
export type WorkflowRow = {
  /** lower case, as in the stream's name */
  readonly id: string;
  /** as it was first spelled */
  readonly name: string;
  readonly draftVersion: string;
  readonly stable: string | null;
  readonly candidate: string | null;
  readonly versions: readonly string[];
  /** of the draft */
  readonly labels: { readonly [key: string]: string };
  /** who asked for the latest publication, and its check; null: none was asked for */
  readonly publication: { readonly checkId: string; readonly actor: string } | null;
  readonly updatedAt: string;
  readonly appliedRevision: number;
};

/** Folds one event of `workflow-<name>`; the same event twice changes nothing. */
export function projectWorkflow(row: WorkflowRow | undefined, recorded: Recorded): WorkflowRow | undefined {
  const { event, revision, at } = recorded;
  if (row !== undefined && revision <= row.appliedRevision) return row;
  if (event.type === 'workflow.draft-saved.v1') {
    const { workflowId: name, version: draftVersion, manifest } = event.data;
    const before = row ?? { id: name.toLowerCase(), name, stable: null, candidate: null, versions: [], publication: null };
    const labels = (manifest as Partial<ManifestV1>).labels ?? {};
    return { ...before, draftVersion, labels, updatedAt: at, appliedRevision: revision };
  }
  if (row === undefined) return undefined;
  const next = { ...row, updatedAt: at, appliedRevision: revision };
  switch (event.type) {
    case 'workflow.publish-requested.v1':
      return { ...next, publication: { checkId: event.data.checkId, actor: recorded.actor } };
    case 'workflow.published.v1':
      return { ...next, versions: [...row.versions, event.data.version], [event.data.channel]: event.data.version };
    case 'workflow.promoted.v1':
      return { ...next, stable: event.data.version, candidate: row.candidate === event.data.version ? null : row.candidate };
    case 'workflow.rolled-back.v1':
      return { ...next, stable: event.data.to ?? row.stable, candidate: row.candidate === event.data.version ? null : row.candidate };
    case 'workflow.retired.v1': {
      const { version } = event.data;
      return { ...next, stable: row.stable === version ? null : row.stable, candidate: row.candidate === version ? null : row.candidate };
    }
    default:
      return next;
  }
}
