import { join } from 'node:path';
import { Fault, isFault } from '@maestro/ports';
import type { Appended, Conflict, EventStore, NewEvent, StoreLimits, StreamPage, Version } from '@maestro/ports';
import { recordedOf } from '@maestro/runtime';
import { eventsUpTo } from './create-export.ts';
import { isSameEvent, readEventLines } from './event-lines.ts';
import type { ExportedEvent } from './event-lines.ts';
import type { CheckedExport } from './check-export.ts';
import { EXPORT_FILES } from './export-manifest.ts';
import type { MigrationProgress } from './export-manifest.ts';

/** milliseconds between tries of an append whose store could not be reached */
const PAUSES_MS = [200, 1_000, 3_000, 10_000];
/** Places of streams that are remembered; another stream is asked for its own. */
const VERSIONS_MAX = 100_000;

/**
 * How many events of an export a store holds already: all that it holds, or it is another history.
 * Fault DEPLOYMENT_NOT_EMPTY, naming the first event that is not of the export.
 */
export async function countPresent(store: EventStore, { folder, manifest }: CheckedExport, name: string): Promise<number> {
  const lines = readEventLines(join(folder, EXPORT_FILES.events));
  let count = 0;
  for await (const event of eventsUpTo(store, await store.head())) {
    const next = await lines.next();
    if (next.done === true || !isSameEvent(next.value, event)) {
      await lines.return(undefined);
      const what = next.done === true ? `has gone on after the ${manifest.events} events of this export, with` : 'holds another history than this export:';
      throw new Fault('DEPLOYMENT_NOT_EMPTY', `${name} ${what} revision ${event.revision} of ${event.stream}; import into an empty deployment`);
    }
    count += 1;
  }
  await lines.return(undefined);
  return count;
}

/** Appends the events of an export from a place on, in their order and as the commits that they were. Faults: those of `append`, DEPLOYMENT_IN_USE. */
export async function appendEvents(store: EventStore, { folder, manifest }: CheckedExport, present: number, onProgress: MigrationProgress, signal: AbortSignal): Promise<void> {
  const versions = new Map<string, Version>();
  let done = 0;
  for await (const commit of commitsOf(skip(readEventLines(join(folder, EXPORT_FILES.events)), present), store.limits)) {
    refuseAborted(signal);
    const [{ stream, revision }] = commit;
    const expected = revision === 0n ? 'none' : (versions.get(stream) ?? (await versionOf(store, commit[0])));
    const answer = await persistently(() => store.append(stream, expected, commit), signal);
    if (answer.kind === 'conflict') throw new Fault('DEPLOYMENT_IN_USE', `somebody else has appended to ${stream}; end all processes of the deployment, and begin with an empty one`);
    versions.delete(stream);
    versions.set(stream, answer.version);
    const [oldest] = versions.keys();
    if (versions.size > VERSIONS_MAX && oldest !== undefined) versions.delete(oldest);
    done += commit.length;
    onProgress('importing events', present + done, manifest.events);
  }
}

/** Reads all events back. Fault STORE_DAMAGED: one is not as it was imported, or missing. */
export async function proveEvents(store: EventStore, { folder, manifest }: CheckedExport, onProgress: MigrationProgress): Promise<void> {
  const stored = eventsUpTo(store, await store.head());
  let count = 0;
  for await (const event of readEventLines(join(folder, EXPORT_FILES.events))) {
    const next = await stored.next();
    if (next.done === true || !isSameEvent(event, next.value)) throw new Fault('STORE_DAMAGED', `revision ${event.revision} of ${event.stream} did not come back as it was imported`);
    count += 1;
    onProgress('reading events back', count, manifest.events);
  }
  if ((await stored.next()).done !== true) throw new Fault('DEPLOYMENT_IN_USE', 'somebody else has appended events meanwhile');
}

/** Fault ABORTED. */
export function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new Fault('ABORTED', 'the import was interrupted; run it again: it goes on where it was');
}

type Commit = readonly [ExportedEvent, ...ExportedEvent[]];

/** Neighbours of one stream and one command are one commit, unless the store takes less at once. */
export async function* commitsOf(events: AsyncIterable<ExportedEvent>, { commitEventsMax, commitBytesMax }: Pick<StoreLimits, 'commitEventsMax' | 'commitBytesMax'>): AsyncGenerator<Commit> {
  let commit: [ExportedEvent, ...ExportedEvent[]] | undefined;
  let commandId = '';
  let sizeBytes = 0;
  for await (const event of events) {
    const command = recordedOf({ ...event, cursor: '' }).commandId;
    const size = sizeOf(event);
    const fits = commit !== undefined && commit[0].stream === event.stream && command === commandId && commit.length < commitEventsMax && sizeBytes + size <= commitBytesMax;
    if (commit !== undefined && fits) commit.push(event);
    else {
      if (commit !== undefined) yield commit;
      commit = [event];
      sizeBytes = 0;
    }
    commandId = command;
    sizeBytes += size;
  }
  if (commit !== undefined) yield commit;
}

function sizeOf({ bytes, sealed }: NewEvent): number {
  return bytes.length + (sealed?.length ?? 0);
}

async function* skip<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let at = 0;
  for await (const item of items) if (at++ >= count) yield item;
}

/** Where a stream stands that an earlier, interrupted import began. */
async function versionOf(store: EventStore, { stream, revision }: ExportedEvent): Promise<Version> {
  const page: StreamPage = await store.readStream(stream, { direction: 'backward', limit: 1 });
  if (page.kind === 'page' && page.version.revision === revision - 1n) return page.version;
  throw new Fault('STORE_DAMAGED', `${stream} should stand at revision ${revision - 1n}`);
}

/** The same append again changes nothing, so that any fault that may pass is waited out for a while. */
async function persistently(append: () => Promise<Appended | Conflict>, signal: AbortSignal): Promise<Appended | Conflict> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await append();
    } catch (error) {
      if (signal.aborted || !isFault(error) || !(error.retryable || error.code === 'STORE_OUTCOME_UNKNOWN')) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return append();
}
