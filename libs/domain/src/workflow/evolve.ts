import { assertNever } from '../decider.ts';
import type { Recorded } from '../decider.ts';
import type { PublishedVersion, WorkflowEvent, WorkflowState } from './state.ts';

/** Applies one event. Never refuses; changes and returns the state that it is given. */
export function evolveWorkflow(state: WorkflowState, { event, revision, at }: Recorded<WorkflowEvent>): WorkflowState {
  state.revision = revision;
  switch (event.type) {
    case 'workflow.draft-saved.v1': {
      const { workflowId, version, manifestDigest, dataKeyId } = event.data;
      state.name ??= workflowId;
      state.dataKeyId = dataKeyId;
      state.draft = { version, manifestDigest, draftRevision: revision };
      state.denied = undefined;
      return state;
    }
    case 'workflow.publish-requested.v1': {
      const { version, manifestDigest, draftRevision, checkId, policySetDigest, requireRegion } = event.data;
      state.pending = { version, manifestDigest, draftRevision, checkId, policySetDigest, requireRegion };
      state.denied = undefined;
      return state;
    }
    case 'workflow.policy-decided.v1':
      return state;
    case 'workflow.published.v1': {
      const { version, manifestDigest, draftRevision, channel } = event.data;
      state.pending = undefined;
      setVersion(state, { version, manifestDigest, draftRevision, publishedAt: at, status: channel });
      return point(state, channel, version);
    }
    case 'workflow.publish-denied.v1': {
      const { version, reason, violations } = event.data;
      state.pending = undefined;
      state.denied = { version, reason, violations };
      return state;
    }
    case 'workflow.promoted.v1':
      if (state.stable !== undefined) state.formerStables = [...state.formerStables, state.stable];
      if (state.candidate === event.data.version) state.candidate = undefined;
      return point(state, 'stable', event.data.version);
    case 'workflow.rolled-back.v1':
      setStatus(state, event.data.version, 'rolled-back');
      if (state.candidate === event.data.version) state.candidate = undefined;
      return event.data.to === null ? state : goBack(state, event.data.to);
    case 'workflow.retired.v1':
      if (event.data.version === null) state.retired = true;
      else retire(state, event.data.version);
      return state;
    default:
      return assertNever(event);
  }
}

/** Makes a version the stable or the candidate one; the one before steps back. */
function point(state: WorkflowState, channel: 'stable' | 'candidate', version: string): WorkflowState {
  const before = state[channel];
  if (before !== undefined && before !== version && state.versions.get(before)?.status === channel) {
    setStatus(state, before, 'superseded');
  }
  state[channel] = version;
  setStatus(state, version, channel);
  return state;
}

/** What was stable after the version that is stable again is no way back any more. */
function goBack(state: WorkflowState, version: string): WorkflowState {
  const at = state.formerStables.lastIndexOf(version);
  if (at >= 0) state.formerStables = state.formerStables.slice(0, at);
  if (state.candidate === version) state.candidate = undefined;
  return point(state, 'stable', version);
}

/** No new run starts from it, whatever pointed to it. */
function retire(state: WorkflowState, version: string): void {
  setStatus(state, version, 'retired');
  if (state.candidate === version) state.candidate = undefined;
  if (state.stable === version) state.stable = undefined;
}

function setStatus(state: WorkflowState, version: string, status: PublishedVersion['status']): void {
  const known = state.versions.get(version);
  if (known !== undefined) setVersion(state, { ...known, status });
}

function setVersion(state: WorkflowState, version: PublishedVersion): void {
  state.versions = new Map(state.versions).set(version.version, version);
}
