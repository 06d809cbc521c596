import { anyObject, comment, described, digest, flag, list, nullable, number, object, oneOfValues, position, ref, region, request, text, time, version, whole } from './schema-parts.ts';
import type { SchemaPart } from './schema-parts.ts';

const finding = object({ code: text, path: list({ type: ['string', 'integer'] }), params: anyObject });

const costRange = { lowMicroUsd: whole, expectedMicroUsd: whole, highMicroUsd: described(whole, 'every attempt until its time limit: no run can cost more') };

/** Components that requests and answers about workflows refer to. */
export const workflowSchemas: { readonly [name: string]: SchemaPart } = {
  SavedDraft: object({ id: text, version, digest, position }),
  PublishRequest: request({}, { version: described(version, 'refused where the draft is another version') }),
  Published: object({ id: text, version, digest, channel: text, position }),
  PublishPending: object({ id: text, version, digest, checkId: nullable(text), position, links: object({ command: text }) }),
  PromoteRequest: request({}, { comment }),
  Promoted: object({ id: text, version: described(version, 'the stable one from now on'), position }),
  RollbackRequest: request({}, { to: described(version, 'not given: the candidate is withdrawn, or the stable version before comes back'), comment }),
  RolledBack: object({ id: text, version: described(version, 'it stepped back'), to: described(nullable(version), 'the stable one from now on; null: the stable one stayed'), position }),
  DryRunRequest: request({}, { inputs: anyObject, region, version: described(version, 'not given: the draft') }),
  PlanResult: object({
    workflow: object({ id: text, version, digest, source: oneOfValues('draft', 'published') }),
    plan: object({ levels: list(list(text)), criticalPath: list(text), tasks: list(ref('PlannedTask')) }),
    decisions: list(object({ stage: oneOfValues('publish', 'start', 'task'), pack: text, allow: flag, violations: list(finding), obligations: list(finding), packDigest: nullable(digest) })),
    estimatedCostUSD: number,
    estimate: object({
      currency: { const: 'USD' },
      basis: described(oneOfValues('declared', 'history'), 'low and expected by what packages declare, or by past runs of this version that succeeded'),
      runs: described(whole, 'past runs that it is made from'),
      ...costRange,
      tasks: list(object({ id: text, ...costRange })),
    }),
    wouldStart: flag,
    problems: list(ref('ProblemItem')),
  }),
  PlannedTask: object({
    id: text,
    uses: text,
    packageDigest: digest,
    class: oneOfValues('small', 'medium', 'large'),
    needs: list(text),
    retries: whole,
    timeoutMs: whole,
    expectedDurationMs: whole,
    lateBound: described(flag, 'its arguments depend on outputs of other tasks'),
    with: described(anyObject, 'arguments as far as they are known'),
  }),
  WorkflowVersion: object({ version, digest, publishedAt: time, status: oneOfValues('stable', 'candidate', 'superseded', 'rolled-back') }),
  CurrentWorkflow: object({
    id: text,
    draft: nullable(object({ version, digest })),
    stable: nullable(version),
    candidate: nullable(version),
    versions: list(ref('WorkflowVersion')),
    pending: nullable(object({ version, digest, checkId: text })),
    denied: nullable(object({ version, reason: text, violations: list(text) })),
    retired: flag,
    updatedAt: time,
    revision: whole,
    position,
    manifest: nullable(ref('Workflow')),
  }),
  VersionList: object({ id: text, items: list(ref('WorkflowVersion')), revision: whole, position }),
};
