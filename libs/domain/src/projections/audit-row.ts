import type { Recorded } from '../decider.ts';
import type { Json } from '../json.ts';

/** What somebody did, or was refused, that others may ask about later. */
export type AuditAction =
  | 'published'
  | 'publish-denied'
  | 'promoted'
  | 'rolled-back'
  | 'retired'
  | 'run-denied'
  | 'cancelled'
  | 'resumed'
  | 'receipt-superseded'
  | 'disclosed'
  | 'values-erased';

/** One entry of the audit trail. */
export type AuditRow = {
  /** event id */
  readonly id: string;
  readonly at: string;
  /** who asked for it; roles that carried it out are in the event */
  readonly actor: string;
  readonly action: AuditAction;
  /** id of the workflow or run; `subjectKind` says which */
  readonly subject: string;
  readonly subjectKind: 'workflow' | 'execution';
  readonly detail: { readonly [key: string]: Json };
};

/** `actor`: who asked, where another one than the event's actor; null: not known any more, so the row stands already. */
export type AuditContext = { readonly actor: string | null };

type Entry = Pick<AuditRow, 'action' | 'detail'>;

/** The entry that an event makes; undefined for events that nobody answers for. The same event makes the same row. */
export function auditRowOf(recorded: Recorded, { actor }: AuditContext): AuditRow | undefined {
  const entry = entryOf(recorded.event);
  if (entry === undefined || actor === null) return undefined;
  const { id, at, stream } = recorded;
  const category = stream.slice(0, stream.indexOf('-'));
  const subjectKind = category === 'workflow' ? 'workflow' : 'execution';
  return { id, at, actor, action: entry.action, subject: stream.slice(category.length + 1), subjectKind, detail: entry.detail };
}

function entryOf(event: Recorded['event']): Entry | undefined {
  switch (event.type) {
    case 'workflow.published.v1': {
      const { version, manifestDigest, channel, replaces } = event.data;
      return { action: 'published', detail: { version, digest: `sha256:${manifestDigest}`, channel, replaces } };
    }
    case 'workflow.publish-denied.v1': {
      const { version, manifestDigest, checkId, reason, violations } = event.data;
      return { action: 'publish-denied', detail: { version, digest: `sha256:${manifestDigest}`, checkId, reason, violations } };
    }
    case 'workflow.promoted.v1': {
      const { version, replaces, reason, comment } = event.data;
      return { action: 'promoted', detail: { version, replaces, reason, comment } };
    }
    case 'workflow.rolled-back.v1': {
      const { version, to, reason, comment } = event.data;
      return { action: 'rolled-back', detail: { version, to, reason, comment } };
    }
    case 'workflow.retired.v1': {
      const { version, reason, comment } = event.data;
      return { action: 'retired', detail: { version, reason, comment } };
    }
    default:
      return entryOfRun(event);
  }
}

function entryOfRun(event: Recorded['event']): Entry | undefined {
  switch (event.type) {
    case 'execution.requested.v1': {
      const { resumedFrom } = event.data;
      return resumedFrom === null ? undefined : { action: 'resumed', detail: { from: resumedFrom.executionId } };
    }
    case 'execution.denied.v1': {
      const { checkId, reason, violations } = event.data;
      return { action: 'run-denied', detail: { checkId, reason, violations } };
    }
    case 'execution.cancel-requested.v1': {
      const { reason, comment } = event.data;
      return { action: 'cancelled', detail: { reason, comment } };
    }
    case 'receipt.superseded.v1': {
      const { supersededBundleDigest, bundleDigest, reason, comment } = event.data;
      return { action: 'receipt-superseded', detail: { supersededBundleDigest, bundleDigest, reason, comment } };
    }
    case 'receipt.disclosed.v1': {
      const { disclosureId, to, purpose, pointers } = event.data;
      return { action: 'disclosed', detail: { disclosureId, to, purpose, places: pointers.length } };
    }
    case 'receipt.values-erased.v1': {
      const { scope, reason, comment } = event.data;
      return { action: 'values-erased', detail: { scope, reason, comment } };
    }
    default:
      return undefined;
  }
}
