import type { ResolvedEvent } from '@eventstore/db-client';
import type { StreamName } from '@maestro/domain';
import { Fault, type CallOptions, type StoredEvent, type StreamPage, type Version } from '@maestro/ports';
import { isCallFailure } from './call-failure.ts';
import { unpackEnvelope } from './event-envelope.ts';
import type { Namespace } from './namespace.ts';
import type { CursorForm, LogPosition } from './place-cursor.ts';
import { readStreamPage, type StreamRange } from './read-page.ts';
import type { SupervisedClient } from './supervised-client.ts';

export const versionAt = (revision: bigint): Version => ({ revision, token: String(revision) });

/** A page ends after so many bytes, so that none is larger than this and one event. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** A stream that gets an event between two reads of each of so many tries is too busy to be true. */
const PAGE_TRIES_MAX = 20;
export const bytesOf = (e: StoredEvent): number => e.bytes.length + (e.sealed?.length ?? 0);

/** The position of a server that gives none. */
const NO_POSITION = 2n ** 64n - 1n;

export type ReadEvent = NonNullable<ResolvedEvent['event']>;

/** As the server says it. Fault: STORE_UNAVAILABLE for a server that is too old to say it. */
export function positionOf(record: ReadEvent): LogPosition {
  const position = (record as { readonly position?: LogPosition }).position;
  if (position === undefined || position.commit === NO_POSITION) {
    throw new Fault('STORE_UNAVAILABLE', 'this EventStoreDB does not say where events of a stream lie in its log: upgrade it');
  }
  return { commit: position.commit, prepare: position.prepare };
}

/**
 * Of an event that this program wrote: both positions are one. Reads of a stream give the place of the commit's first
 * event as the prepare position, where reads of the log give the event's own.
 */
export const ownPosition = ({ commit }: LogPosition): LogPosition => ({ commit, prepare: commit });

type Stretch = { readonly events: readonly StoredEvent[]; readonly isWhole: boolean };

/** Reads stretches of streams at the leader, and proves each event before it is handed out. */
export class StreamReader {
  readonly #client: SupervisedClient;
  readonly #namespace: Namespace;
  readonly #cursors: CursorForm;

  constructor(client: SupervisedClient, namespace: Namespace, cursors: CursorForm) {
    this.#client = client;
    this.#namespace = namespace;
    this.#cursors = cursors;
  }

  stored(stream: StreamName, record: ReadEvent): StoredEvent {
    const { revision } = record;
    const event = unpackEnvelope({ stream, revision }, record);
    return { ...event, stream, revision, cursor: this.#cursors.cursorAt(ownPosition(positionOf(record))) };
  }

  /** From `from` up, at most `limit` events. What comes between page and version is read, too: no version is ahead of a last page. */
  async forward(stream: StreamName, from: bigint, limit: number, o: CallOptions): Promise<StreamPage> {
    for (let tries = 0; tries < PAGE_TRIES_MAX; tries += 1) {
      const read = await this.#stretch(stream, { from, direction: 'forward', count: limit + 1 }, limit, o);
      if (read === undefined) return this.#missing(stream, o);
      const last = read.events.at(-1);
      if (last !== undefined && read.isWhole) {
        return { kind: 'page', events: read.events, version: versionAt(last.revision), end: true };
      }
      const version = await this.#head(stream, o);
      if (!read.isWhole || version.revision < from) return { kind: 'page', events: read.events, version, end: read.isWhole };
    }
    throw new Fault('STORE_UNAVAILABLE', `${stream} moved on during each of ${PAGE_TRIES_MAX} reads; try again`, { retryable: true });
  }

  /** From `from` down, or from the last event; `from` may lie above it. */
  async backward(stream: StreamName, from: bigint | undefined, limit: number, o: CallOptions): Promise<StreamPage> {
    if (from === undefined) {
      const read = await this.#stretch(stream, { direction: 'backward', count: limit + 1 }, limit, o);
      if (read === undefined) return this.#missing(stream, o);
      const version = read.events[0] === undefined ? await this.#head(stream, o) : versionAt(read.events[0].revision);
      return { kind: 'page', events: read.events, version, end: read.isWhole };
    }
    // the version first, so that no event of the page is above it
    const newest = await this.backward(stream, undefined, 1, o);
    if (newest.kind === 'missing') return newest;
    const { version } = newest;
    const range = { from: from < version.revision ? from : version.revision, direction: 'backward', count: limit + 1 } as const;
    const read = await this.#stretch(stream, range, limit, o);
    return { kind: 'page', events: read?.events ?? [], version, end: read?.isWhole ?? true };
  }

  /** Undefined: no such stream. `isWhole` when there is nothing beyond what was read. */
  async #stretch(stream: StreamName, range: StreamRange, limit: number, o: CallOptions): Promise<Stretch | undefined> {
    try {
      return await this.#client.reading(`reading ${stream}`, o, async (client, left, alive) => {
        const records: ReadEvent[] = [];
        let bytes = 0;
        let isWhole = true;
        await readStreamPage(client, this.#namespace.nameOf(stream), range, { left, alive }, ({ event }) => {
          if (event === undefined) return true;
          isWhole = records.length < limit && bytes < PAGE_BYTES_MAX;
          if (!isWhole) return false;
          records.push(event);
          bytes += event.data instanceof Uint8Array ? event.data.length : 0;
          return true;
        });
        return { records, isWhole };
      }).then(({ records, isWhole }) => ({ events: this.#dense(stream, records, range), isWhole }));
    } catch (error) {
      if (isCallFailure(error) && error.kind === 'stream-missing') return undefined;
      throw error;
    }
  }

  /** Events of a page follow each other: the server may hide older ones, but none in between. */
  #dense(stream: StreamName, records: readonly ReadEvent[], range: StreamRange): StoredEvent[] {
    const step = range.direction === 'forward' ? 1n : -1n;
    return records.map((record, i) => {
      const before = records[i - 1];
      if (before === undefined || before.revision + step === record.revision) return this.stored(stream, record);
      const gap = `event ${before.revision + step} of ${stream} is missing`;
      throw new Fault('STORE_DAMAGED', `${gap}; restore a backup`);
    });
  }

  async #head(stream: StreamName, o: CallOptions): Promise<Version> {
    const read = await this.#stretch(stream, { direction: 'backward', count: 1 }, 1, o);
    const last = read?.events[0];
    if (last !== undefined) return versionAt(last.revision);
    throw new Fault('STORE_DAMAGED', `${stream} is there, but the server hides or has lost all its events; restore a backup`);
  }

  /** A stream that was deleted reads as missing until somebody asks for its metadata. */
  async #missing(stream: StreamName, o: CallOptions): Promise<StreamPage> {
    let isCut = false;
    const name = `$$${this.#namespace.nameOf(stream)}`;
    try {
      await this.#client.reading(`reading the metadata of ${stream}`, o, (client, left, alive) =>
        readStreamPage(client, name, { direction: 'backward', count: 1 }, { left, alive }, ({ event }) => {
          isCut = (event?.data as { readonly $tb?: unknown } | undefined)?.$tb !== undefined;
          return true;
        }),
      );
    } catch (error) {
      if (!isCallFailure(error) || error.kind !== 'stream-missing') throw error;
    }
    if (!isCut) return { kind: 'missing' };
    throw new Fault('STORE_DAMAGED', `${stream} was deleted behind this program; restore a backup`);
  }
}
