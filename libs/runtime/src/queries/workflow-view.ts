import { streamName, workflowDecider } from '@maestro/domain';
import type { JsonObject, Recorded, WorkflowEvent, WorkflowState } from '@maestro/domain';
import type { Cursor, EventStore } from '@maestro/ports';
import { readHistory } from './stream-history.ts';
import type { Unreadable } from './stream-history.ts';

/** A workflow folded from its stream, and the manifests that its drafts hold. */
export type WorkflowHistory = {
  readonly kind: 'workflow';
  readonly id: string;
  readonly state: WorkflowState;
  /** revision of a draft-saved event → its manifest */
  readonly manifests: ReadonlyMap<number, JsonObject>;
  readonly updatedAt: string;
  readonly position: Cursor;
};

/** Always fresh: read from the event store. A name that cannot be a workflow is missing like any other. */
export async function readWorkflow(store: EventStore, id: string): Promise<WorkflowHistory | Unreadable | { readonly kind: 'missing' }> {
  const stream = streamName('workflow', id);
  if (stream === undefined) return { kind: 'missing' };
  const history = await readHistory(store, stream);
  if (history.kind !== 'history') return history;
  let state = workflowDecider.initial();
  const manifests = new Map<number, JsonObject>();
  let updatedAt = '';
  for (const recorded of history.events) {
    state = workflowDecider.evolve(state, recorded as Recorded<WorkflowEvent>);
    updatedAt = recorded.at;
    if (recorded.event.type === 'workflow.draft-saved.v1') manifests.set(recorded.revision, recorded.event.data.manifest as JsonObject);
  }
  return { kind: 'workflow', id: state.name ?? id, state, manifests, updatedAt, position: history.position };
}

export type VersionView = {
  readonly version: string;
  readonly digest: string;
  readonly publishedAt: string;
  readonly status: 'stable' | 'candidate' | 'superseded' | 'rolled-back' | 'retired';
};

/** One workflow as it is now. Digests are written `sha256:<hex>`. */
export type WorkflowView = {
  readonly id: string;
  readonly draft: { readonly version: string; readonly digest: string } | null;
  readonly stable: string | null;
  readonly candidate: string | null;
  /** newest first */
  readonly versions: readonly VersionView[];
  /** a publication that awaits policy */
  readonly pending: { readonly version: string; readonly digest: string; readonly checkId: string } | null;
  /** why the latest publication was denied */
  readonly denied: { readonly version: string; readonly reason: string; readonly violations: readonly string[] } | null;
  readonly retired: boolean;
  readonly updatedAt: string;
  readonly revision: number;
  readonly position: Cursor;
};

export function workflowView({ id, state, updatedAt, position }: WorkflowHistory): WorkflowView {
  const { draft, pending } = state;
  return {
    id,
    draft: draft === undefined ? null : { version: draft.version, digest: `sha256:${draft.manifestDigest}` },
    stable: state.stable ?? null,
    candidate: state.candidate ?? null,
    versions: versionsOf(state),
    pending: pending === undefined ? null : { version: pending.version, digest: `sha256:${pending.manifestDigest}`, checkId: pending.checkId },
    denied: state.denied ?? null,
    retired: state.retired,
    updatedAt,
    revision: state.revision,
    position,
  };
}

/** Published versions, newest first. */
export function versionsOf(state: WorkflowState): readonly VersionView[] {
  return [...state.versions.values()]
    .map(({ version, manifestDigest, publishedAt, status }) => ({ version, digest: `sha256:${manifestDigest}`, publishedAt, status }))
    .reverse();
}

export type ChosenManifest = {
  readonly source: 'draft' | 'published';
  readonly version: string;
  /** 64 hex */
  readonly digest: string;
  readonly manifest: JsonObject;
};

/** A published version by number, or the draft: by its number, or where none is asked for. Undefined: there is none. */
export function manifestOf({ state, manifests }: WorkflowHistory, version: string | null): ChosenManifest | undefined {
  const published = version === null ? undefined : state.versions.get(version);
  const found = published ?? (version === null || state.draft?.version === version ? state.draft : undefined);
  const manifest = found === undefined ? undefined : manifests.get(found.draftRevision);
  if (found === undefined || manifest === undefined) return undefined;
  return { source: published === undefined ? 'draft' : 'published', version: found.version, digest: found.manifestDigest, manifest };
}
