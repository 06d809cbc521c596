import { mendEventStore, sweepEventStore } from '@maestro/adapter-sqlite';
import type { StoreDamage, StoreSweep, SweptEvent } from '@maestro/adapter-sqlite';
import { isFault } from '@maestro/ports';
import { recordedOf } from '@maestro/runtime';
import type { DataFolder } from '../data-folder.ts';
import { broken, fine, problem, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** Told while the store is swept, which may take minutes. */
export type Progress = (done: number, total: number) => void;

/** The code inside the fault of an event that only a newer release can read. */
const NEWER = 'EVENT_FROM_NEWER_VERSION';
const ZERO_HASH = '0'.repeat(64);
const BACKUP = 'restore events.db, events.db-wal and events.db-mark together from a backup; what is not damaged is served meanwhile';

/** Every hash, digest and chain of the event store, and its head mark; beside a running conductor, too. */
export async function checkStore({ events }: DataFolder, onProgress: Progress): Promise<{ readonly sweep: StoreSweep | undefined; readonly findings: readonly Finding[] }> {
  const newer = new Set<string>();
  const onEvent = (event: SweptEvent): string | undefined => chainFault(event, newer);
  try {
    const sweep = await sweepEventStore({ path: events, onEvent, onProgress });
    if (sweep.kind === 'missing') return { sweep: undefined, findings: [fine('event-store', 'nothing is stored yet')] };
    return { sweep, findings: [eventFinding(sweep), ...structureFinding(events, sweep), markFinding(sweep), ...newerFinding(newer)] };
  } catch (error) {
    return { sweep: undefined, findings: [broken('event-store', error, BACKUP)] };
  }
}

/** Undefined: it follows the event before it, or it is of a newer release, which is no damage. */
function chainFault({ stream, type, bytes, hash, revision, previousHash }: SweptEvent, newer: Set<string>): string | undefined {
  try {
    const recorded = recordedOf({ id: '', type, bytes, hash, sealed: null, stream, revision: BigInt(revision), cursor: '' });
    if (recorded.stream !== stream || recorded.revision !== revision) return `it says that it is revision ${recorded.revision} of ${recorded.stream}`;
    return recorded.prev === (previousHash ?? ZERO_HASH) ? undefined : 'it does not follow the event before it';
  } catch (error) {
    if (!isFault(error)) throw error;
    if (!error.message.includes(NEWER)) return error.message;
    newer.add(stream);
    return undefined;
  }
}

function eventFinding({ damages, damagesOmitted, eventCount, headPosition }: StoreSweep): Finding {
  if (damages.length === 0) return fine('event-store', `${eventCount} events, every hash and chain holds`);
  const streams = new Set(damages.flatMap(({ stream }) => stream ?? []));
  const detail = `${damages.length + damagesOmitted} damages among ${headPosition} events, in ${streams.size === 0 ? 'no stream that can be named' : [...streams].slice(0, 5).join(', ')}`;
  return problem('event-store', detail, BACKUP, { items: damages.map(describe) });
}

function describe({ position, stream, revision, what }: StoreDamage): string {
  const place = stream === null ? '' : ` ${stream}${revision === null ? '' : ` revision ${revision}`}`;
  return `position ${position}${place}: ${what}`;
}

/** Pages and indexes can be made again from whole events; what that cannot mend is told and left alone. */
function structureFinding(path: string, { structure }: StoreSweep): readonly Finding[] {
  if (structure.length === 0) return [];
  const mend = async (): Promise<void> => void (await mendEventStore({ path, onEvent: (event) => chainFault(event, new Set()) }));
  const detail = `${structure.length} findings in pages and indexes of ${path}; what they lead to is refused`;
  return [problem('event-store-pages', detail, 'end the conductor, then ./maestro doctor --repair: it makes them again where every event is whole', { items: structure, repair: { what: `made ${path} again from its events, each of which was proved`, mend } })];
}

function markFinding({ markFault, headPosition }: StoreSweep): Finding {
  if (markFault === null) return fine('head-mark', `the store ends at ${headPosition}, as acknowledged`);
  if (markFault.endsWith('cannot be read') || markFault.startsWith('the head mark is missing')) {
    return problem('head-mark', markFault, 'check that the last runs you know of are there, then delete events.db-mark; the next start makes a new one');
  }
  return problem('head-mark', markFault, 'restore a backup at least as new; the conductor refuses to start on this one. ./maestro restore --data <dir> --accept-loss goes on without what is missing');
}

function newerFinding(newer: ReadonlySet<string>): readonly Finding[] {
  if (newer.size === 0) return [];
  return [warning('newer-events', `${newer.size} streams hold events of a newer release; they are set aside, the others are served`, 'start the newer release again', { items: [...newer] })];
}
