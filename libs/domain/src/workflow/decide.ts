import type { PolicyDecision } from '@maestro/contracts';
import lt from 'semver/functions/lt.js';
import rcompare from 'semver/functions/rcompare.js';
import { accept, assertNever } from '../decider.ts';
import type { Decider, Decision } from '../decider.ts';
import type { JsonObject } from '../json.ts';
import { undecided } from '../policy-decision.ts';
import { reject } from '../rejection.ts';
import { evolveWorkflow } from './evolve.ts';
import { promote, rollBack } from './channels.ts';
import { initialWorkflow } from './state.ts';
import type { PendingPublish, WorkflowEvent, WorkflowState } from './state.ts';

/** What the decider is asked; the manifest was checked, digests and keys were made outside. */
export type WorkflowCommand = { readonly now: string } & (
  | { readonly kind: 'save-draft'; readonly manifest: JsonObject; readonly name: string; readonly version: string; readonly manifestDigest: string; readonly dataKeyId: string }
  | { readonly kind: 'publish'; readonly version: string | null; readonly policySetDigest: string; readonly requireRegion: boolean }
  | { readonly kind: 'record-policy-decision'; readonly decision: PolicyDecision }
  | { readonly kind: 'fire-policy-deadline'; readonly checkId: string }
  | { readonly kind: 'promote'; readonly comment: string }
  /** `to` null: withdraw the candidate; where there is none, back to the version that was stable before */
  | { readonly kind: 'rollback'; readonly to: string | null; readonly comment: string }
);

type Decided = Decision<WorkflowEvent>;

/** A workflow: drafts, and the immutable versions that policy let through. */
export const workflowDecider: Decider<WorkflowState, WorkflowCommand, WorkflowEvent> = {
  initial: initialWorkflow,
  evolve: evolveWorkflow,
  decide: decideWorkflow,
};

export function decideWorkflow(state: WorkflowState, command: WorkflowCommand): Decided {
  switch (command.kind) {
    case 'save-draft':
      return saveDraft(state, command);
    case 'publish':
      return publish(state, command);
    case 'record-policy-decision':
      return recordDecision(state, command.decision);
    case 'fire-policy-deadline':
      return recordDecision(state, undecided(command.checkId, state.pending?.policySetDigest ?? '', command.now));
    case 'promote':
      return promote(state, command.comment);
    case 'rollback':
      return rollBack(state, command.to, command.comment);
    default:
      return assertNever(command);
  }
}

function saveDraft(state: WorkflowState, command: Extract<WorkflowCommand, { kind: 'save-draft' }>): Decided {
  const { name, version, manifestDigest, manifest, dataKeyId } = command;
  if (state.name !== undefined && state.name !== name) {
    return reject('WORKFLOW_NAME_TAKEN', `the workflow is called ${state.name}; ${name} differs only in upper and lower case`);
  }
  if (state.draft?.manifestDigest === manifestDigest) return accept();
  return accept<WorkflowEvent>({
    type: 'workflow.draft-saved.v1',
    data: {
      workflowId: name,
      version,
      manifestDigest,
      manifestSchema: 'manifest.v1',
      manifest,
      dataKeyId: state.dataKeyId ?? dataKeyId,
    },
  });
}

function publish(state: WorkflowState, { version: asked, policySetDigest, requireRegion }: Extract<WorkflowCommand, { kind: 'publish' }>): Decided {
  const { draft, name, pending } = state;
  if (draft === undefined || name === undefined) return reject('WORKFLOW_NOT_FOUND', 'there is no draft to publish: save one first');
  const { version, manifestDigest, draftRevision } = draft;
  if (asked !== null && asked !== version) {
    return reject('VERSION_NOT_FOUND', `the draft is version ${version}; version ${asked} was asked for`);
  }
  const published = state.versions.get(version);
  if (published?.manifestDigest === manifestDigest) return accept();
  if (published !== undefined) {
    return reject('VERSION_CONFLICT', `version ${version} is published with other content: raise the version`, {
      params: { version, publishedDigest: `sha256:${published.manifestDigest}`, draftDigest: `sha256:${manifestDigest}` },
    });
  }
  const [highest] = [...state.versions.values()].sort((a, b) => rcompare(a.version, b.version));
  if (highest !== undefined && lt(version, highest.version)) {
    return reject('VERSION_CONFLICT', `version ${version} is below ${highest.version}, which is published: versions only rise`, {
      params: { version, publishedDigest: `sha256:${highest.manifestDigest}`, draftDigest: `sha256:${manifestDigest}` },
    });
  }
  if (pending !== undefined) return whilePending(pending, manifestDigest);
  const checkId = `publish/${state.revision + 1}`;
  return accept<WorkflowEvent>({
    type: 'workflow.publish-requested.v1',
    data: { workflowId: name, version, manifestDigest, draftRevision, checkId, policySetDigest, requireRegion },
  });
}

function whilePending(pending: PendingPublish, manifestDigest: string): Decided {
  if (pending.manifestDigest === manifestDigest) return accept();
  return reject('PUBLISH_PENDING', `the publication of version ${pending.version} still awaits policy: try again in a moment`);
}

function recordDecision(state: WorkflowState, decision: PolicyDecision): Decided {
  const { pending, name } = state;
  if (pending?.checkId !== decision.checkId || name === undefined) {
    return reject('CHECK_NOT_OPEN', `no decision is awaited for check ${decision.checkId}`);
  }
  const { version, manifestDigest, draftRevision, checkId } = pending;
  const decided: WorkflowEvent = { type: 'workflow.policy-decided.v1', data: decision };
  if (!decision.allow) {
    const violations = decision.packs.flatMap((pack) => pack.violations);
    const reason = decision.reason ?? 'POLICY_DENIED';
    return accept<WorkflowEvent>(decided, {
      type: 'workflow.publish-denied.v1',
      data: { workflowId: name, version, manifestDigest, checkId, reason, violations },
    });
  }
  const channel = state.stable === undefined ? 'stable' : 'candidate';
  const replaces = state[channel] ?? null;
  return accept<WorkflowEvent>(decided, {
    type: 'workflow.published.v1',
    data: { workflowId: name, version, manifestDigest, draftRevision, channel, checkId, replaces },
  });
}
