import type { AnyEvent } from '@maestro/contracts';

/** Every event of a workflow's stream. */
export type WorkflowEvent = Extract<AnyEvent, { type: `workflow.${string}` }>;

export type Snapshot = { readonly version: string; readonly manifestDigest: string; readonly draftRevision: number };
export type PublishedVersion = Snapshot & { readonly publishedAt: string; readonly status: 'stable' | 'candidate' | 'superseded' | 'rolled-back' | 'retired' };
export type PendingPublish = Snapshot & { readonly checkId: string; readonly policySetDigest: string; readonly requireRegion: boolean };

/** What is known of a workflow after its latest event. Manifests stay in the events; here are only their digests. */
export type WorkflowState = {
  revision: number;
  /** as first written; another spelling of the same stream is refused */
  name: string | undefined;
  dataKeyId: string | undefined;
  draft: Snapshot | undefined;
  versions: ReadonlyMap<string, PublishedVersion>;
  stable: string | undefined;
  candidate: string | undefined;
  /** versions that were stable before, the latest last */
  formerStables: readonly string[];
  pending: PendingPublish | undefined;
  /** why the latest publication was denied; undefined after another draft or request */
  denied: { readonly version: string; readonly reason: string; readonly violations: readonly string[] } | undefined;
  retired: boolean;
};

export function initialWorkflow(): WorkflowState {
  return {
    revision: -1,
    name: undefined,
    dataKeyId: undefined,
    draft: undefined,
    versions: new Map(),
    stable: undefined,
    candidate: undefined,
    formerStables: [],
    pending: undefined,
    denied: undefined,
    retired: false,
  };
}
