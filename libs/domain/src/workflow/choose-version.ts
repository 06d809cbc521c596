import type { Rejection } from '../rejection.ts';
import type { PublishedVersion, WorkflowState } from './state.ts';

/** Share of starts without a stated rollout that go to the candidate, in percent (the seed's canary weight). */
export const CANARY_WEIGHT_PERCENT = 10;

export type Choice =
  | { readonly kind: 'chosen'; readonly version: PublishedVersion; readonly channel: 'stable' | 'candidate' | 'pinned' }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

/**
 * Which published version a start runs. `all`: the stable one; `canary`: the candidate, or the stable one where there
 * is none; nothing stated: a fixed share by the hash of the execution id, so that a repeat chooses the same.
 */
export function chooseVersion(state: WorkflowState, asked: { version: string | null; rollout: 'canary' | 'all' | null; executionId: string }): Choice {
  if (state.name === undefined) return refuse('WORKFLOW_NOT_FOUND', 'there is no such workflow');
  if (state.retired) return refuse('WORKFLOW_RETIRED', `workflow ${state.name} is retired`);
  if (asked.version !== null) {
    const version = state.versions.get(asked.version);
    if (version === undefined) return refuse('VERSION_NOT_FOUND', `version ${asked.version} of ${state.name} is not published`);
    if (version.status === 'retired') return refuse('WORKFLOW_RETIRED', `version ${asked.version} of ${state.name} is retired`);
    return { kind: 'chosen', version, channel: 'pinned' };
  }
  const toCandidate = asked.rollout === 'canary' || (asked.rollout === null && percentOf(asked.executionId) < CANARY_WEIGHT_PERCENT);
  const candidate = toCandidate ? find(state, state.candidate) : undefined;
  if (candidate !== undefined) return { kind: 'chosen', version: candidate, channel: 'candidate' };
  const stable = find(state, state.stable);
  if (stable === undefined) return refuse('WORKFLOW_NOT_PUBLISHED', `workflow ${state.name} has no published version: publish its draft first`);
  return { kind: 'chosen', version: stable, channel: 'stable' };
}

function find(state: WorkflowState, version: string | undefined): PublishedVersion | undefined {
  return version === undefined ? undefined : state.versions.get(version);
}

function refuse(code: Rejection['code'], detail: string): Choice {
  return { kind: 'refused', rejection: { code, detail } };
}

/** 0…99 from FNV-1a of a text: even enough for a share, and the same everywhere. */
function percentOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % 100;
}
