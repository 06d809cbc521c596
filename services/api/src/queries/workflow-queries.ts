import { Query } from '@nestjs/cqrs';
import type { JsonObject } from '@maestro/domain';
import { canonicalBytes } from '@maestro/receipt';
import { dryRun, manifestOf, readWorkflow, versionsOf, workflowView } from '@maestro/runtime';
import type { DryRun, DryRunAsked, VersionView, WorkflowView } from '@maestro/runtime';
import { found, noWorkflow } from '../edge/found.ts';
import { queryHandler } from '../edge/message-handler.ts';
import { notFound } from '../problem/problem-error.ts';

/** A workflow with the manifest of its draft. */
export type CurrentWorkflow = WorkflowView & { readonly manifest: JsonObject | null };

export class GetWorkflow extends Query<CurrentWorkflow> {
  readonly id: string;
  constructor(id: string) {
    super();
    this.id = id;
  }
}

export type VersionList = { readonly id: string; readonly items: readonly VersionView[]; readonly revision: number; readonly position: string };

export class ListVersions extends Query<VersionList> {
  readonly id: string;
  constructor(id: string) {
    super();
    this.id = id;
  }
}

/** `bytes`: RFC 8785, of which `digest` (64 hex) is the SHA-256. */
export type ManifestFile = { readonly bytes: Uint8Array; readonly digest: string };

export class GetManifest extends Query<ManifestFile> {
  readonly id: string;
  readonly version: string;
  constructor(id: string, version: string) {
    super();
    this.id = id;
    this.version = version;
  }
}

export class DryRunWorkflow extends Query<Omit<DryRun, 'kind'>> {
  readonly asked: DryRunAsked;
  constructor(asked: DryRunAsked) {
    super();
    this.asked = asked;
  }
}

export const workflowQueryHandlers = [
  queryHandler(GetWorkflow, ['store'], async ({ id }: GetWorkflow, { store }): Promise<CurrentWorkflow> => {
    const history = found(await readWorkflow(store, id), () => noWorkflow(id));
    const draft = history.state.draft;
    return { ...workflowView(history), manifest: (draft && history.manifests.get(draft.draftRevision)) ?? null };
  }),
  queryHandler(ListVersions, ['store'], async ({ id }: ListVersions, { store }): Promise<VersionList> => {
    const history = found(await readWorkflow(store, id), () => noWorkflow(id));
    return { id: history.id, items: versionsOf(history.state), revision: history.state.revision, position: history.position };
  }),
  queryHandler(GetManifest, ['store'], async ({ id, version }: GetManifest, { store }): Promise<ManifestFile> => {
    const history = found(await readWorkflow(store, id), () => noWorkflow(id));
    const chosen = manifestOf(history, version);
    // a draft may still change under its number: only published versions have an address
    if (chosen?.source !== 'published') throw noVersion(id, version);
    return { bytes: canonicalBytes(chosen.manifest), digest: chosen.digest };
  }),
  queryHandler(DryRunWorkflow, ['store', 'views', 'packages', 'policies', 'prices', 'clock', 'settings'], async ({ asked }: DryRunWorkflow, parts) => {
    const { principal: actor, region, requireRegion, conductorUrl } = parts.settings;
    const now = new Date(parts.clock.nowMs()).toISOString();
    const result = found(await dryRun(parts, asked, { now, actor, region, requireRegion, conductorUrl: conductorUrl() }), () => noWorkflow(asked.workflowId));
    if (result.kind === 'version-missing') throw noVersion(asked.workflowId, asked.version ?? 'draft');
    const { kind: _, ...answer } = result;
    return answer;
  }),
];

function noVersion(id: string, version: string): Error {
  return notFound('VERSION_NOT_FOUND', `workflow ${id.slice(0, 64)} has no version ${version.slice(0, 64)}`);
}
