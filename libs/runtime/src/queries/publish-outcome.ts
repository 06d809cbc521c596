import type { PackDecision } from '@maestro/contracts';
import type { StreamName } from '@maestro/domain';
import type { Clock, Cursor, EventStore, StoredEvent } from '@maestro/ports';
import { decodeStored, readHistory } from './stream-history.ts';
import type { Unreadable } from './stream-history.ts';
import type { StreamTails } from './stream-tails.ts';

/** What policy made of one request to publish. `pending`: nobody decided yet. */
export type PublishOutcome =
  | { readonly kind: 'published'; readonly version: string; readonly digest: string; readonly channel: string; readonly position: Cursor }
  | {
      readonly kind: 'denied';
      readonly version: string;
      readonly reason: string;
      readonly violations: readonly string[];
      readonly decisions: readonly PackDecision[];
      readonly position: Cursor;
    }
  | { readonly kind: 'pending' }
  | Unreadable;

/**
 * Waits for the decision on a check of a workflow's stream, at most `waitMs`. No polling:
 * the stream is followed. A check id ends in the revision of the event that asked, which is where reading begins.
 */
export async function awaitPublishOutcome(
  { store, tails, clock }: { readonly store: EventStore; readonly tails: StreamTails; readonly clock: Clock },
  o: { readonly stream: StreamName; readonly checkId: string; readonly waitMs: number },
): Promise<PublishOutcome> {
  if (o.waitMs === 0) return publishOutcome(store, o.stream, o.checkId);
  const stop = new AbortController();
  const cancelTimer = clock.after(o.waitMs, () => stop.abort());
  try {
    const fold = outcomeFold(o.checkId);
    for await (const stored of tails.follow(o.stream, revisionOf(o.checkId), stop.signal)) {
      const outcome = fold(stored);
      if (outcome !== undefined) return outcome;
    }
    return { kind: 'pending' };
  } finally {
    cancelTimer();
    stop.abort();
  }
}

/** The check that a command opened; null: that command asked for none. */
export async function checkOfCommand(store: EventStore, stream: StreamName, commandId: string): Promise<string | null> {
  const history = await readHistory(store, stream);
  if (history.kind !== 'history') return null;
  const asked = history.events.find(({ event, commandId: by }) => by === commandId && event.type === 'workflow.publish-requested.v1');
  return asked?.event.type === 'workflow.publish-requested.v1' ? asked.event.data.checkId : null;
}

/** What is known now. */
export async function publishOutcome(store: EventStore, stream: StreamName, checkId: string): Promise<PublishOutcome> {
  const page = await store.readStream(stream, { from: revisionOf(checkId), direction: 'forward', limit: store.limits.pageEventsMax });
  const fold = outcomeFold(checkId);
  for (const stored of page.kind === 'page' ? page.events : []) {
    const outcome = fold(stored);
    if (outcome !== undefined) return outcome;
  }
  return { kind: 'pending' };
}

/** Takes events in order; answers once the check is decided, or where one cannot be read. */
function outcomeFold(checkId: string): (stored: StoredEvent) => PublishOutcome | undefined {
  let decisions: readonly PackDecision[] = [];
  return (stored) => {
    const decoded = decodeStored(stored);
    if (decoded.kind === 'unreadable') return decoded;
    const { event } = decoded.recorded;
    const position = stored.cursor;
    switch (event.type) {
      case 'workflow.policy-decided.v1':
        if (event.data.checkId === checkId) decisions = event.data.packs;
        return undefined;
      case 'workflow.published.v1': {
        const { version, manifestDigest, channel } = event.data;
        return event.data.checkId === checkId ? { kind: 'published', version, digest: `sha256:${manifestDigest}`, channel, position } : undefined;
      }
      case 'workflow.publish-denied.v1': {
        const { version, reason, violations } = event.data;
        return event.data.checkId === checkId ? { kind: 'denied', version, reason, violations, decisions, position } : undefined;
      }
      default:
        return undefined;
    }
  };
}

function revisionOf(checkId: string): bigint {
  return BigInt(/^publish\/(\d{1,16})$/.exec(checkId)?.[1] ?? '0');
}
