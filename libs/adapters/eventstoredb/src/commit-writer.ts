import { randomUUID } from 'node:crypto';
import { binaryEvent, type EventData } from '@eventstore/db-client';
import type { StreamName } from '@maestro/domain';
import { Fault, isFault, type Appended, type CallOptions, type Conflict, type NewEvent, type StoredEvent } from '@maestro/ports';
import { CallFailure, faultOf, toCallFailure, type FailureKind } from './call-failure.ts';
import { eventHash, packEnvelope } from './event-envelope.ts';
import type { InFlightRoom } from './in-flight-room.ts';
import type { Namespace } from './namespace.ts';
import type { CursorForm, LogPosition } from './place-cursor.ts';
import { ownPosition, versionAt, type StreamReader } from './stream-reader.ts';
import { pauseMs, type SupervisedClient } from './supervised-client.ts';
import { pause } from './time-limit.ts';

export type Commit = {
  readonly stream: StreamName;
  /** the revision it was decided on, -1 for none */
  readonly at: bigint;
  readonly events: readonly [NewEvent, ...NewEvent[]];
};

/** What the commit takes of the server's limit: data, and the type twice. */
function wireBytes(events: readonly EventData[]): number {
  return events.reduce((sum, e) => sum + (e.data as Uint8Array).length + 2 * Buffer.byteLength(e.type), 0);
}

type Timed = CallOptions & { readonly timeoutMs: number };
type Failed = { readonly failure: CallFailure };

/** After these the commit may be stored, or a next try may store it. */
const MAY_PASS: ReadonlySet<FailureKind> = new Set(['not-leader', 'unavailable', 'timed-out', 'aborted', 'closed']);

const same = (stored: StoredEvent | undefined, e: NewEvent): boolean =>
  stored !== undefined && stored.id === e.id && stored.type === e.type && stored.hash === e.hash;

/**
 * Appends commits.
 *
 * W1. The expected revision alone keeps writers apart. Each try carries ids of its own on the wire: the server would take
 *     events with known ids for the same, whatever their bytes; the event's own id is in its envelope.
 * W2. A try whose outcome is unknown is read back before the next one. Identical bytes at the expected place are success;
 *     an unchanged head means that it may be sent again; anything else is a conflict.
 * W3. That one append failed says nothing about another one on the same connection: each is read back for itself.
 */
export class CommitWriter {
  readonly #client: SupervisedClient;
  readonly #reader: StreamReader;
  readonly #room: InFlightRoom;
  readonly #namespace: Namespace;
  readonly #cursors: CursorForm;

  constructor(parts: {
    readonly client: SupervisedClient;
    readonly reader: StreamReader;
    readonly room: InFlightRoom;
    readonly namespace: Namespace;
    readonly cursors: CursorForm;
  }) {
    this.#client = parts.client;
    this.#reader = parts.reader;
    this.#room = parts.room;
    this.#namespace = parts.namespace;
    this.#cursors = parts.cursors;
  }

  async append(commit: Commit, o: CallOptions, appendBytesMax: number): Promise<Appended | Conflict> {
    const first = this.#wire(commit);
    const size = wireBytes(first);
    if (size > appendBytesMax) {
      throw new Fault('COMMIT_TOO_LARGE', `${size} bytes with what stands around the events; the server takes ${appendBytesMax}, split it`);
    }
    const endMs = performance.now() + (o.timeoutMs ?? this.#client.patienceMs);
    const release = await this.#room.enter(size, { ...o, timeoutMs: endMs - performance.now() });
    try {
      return await this.#persist(commit, first, { ...o, endMs });
    } finally {
      release();
    }
  }

  async #persist(commit: Commit, first: EventData[], o: CallOptions & { readonly endMs: number }): Promise<Appended | Conflict> {
    const left = (): number => o.endMs - performance.now();
    let isUnknown = false;
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#send(commit, tries === 0 ? first : this.#wire(commit), { ...o, timeoutMs: left() });
      if (!('failure' in answer)) return answer;
      const { failure } = answer;
      isUnknown ||= failure.kind !== 'not-leader';
      const isLeft = failure.kind === 'aborted' || failure.kind === 'closed';
      if (isUnknown && !isLeft && left() > 0) {
        const found = await this.#readBack(commit, { ...o, timeoutMs: left() }).catch(unlessUnreachable);
        if (found !== undefined) return found;
      }
      if (isLeft || left() <= 0) throw isUnknown ? outcomeUnknown(commit, failure) : faultOf(failure, `appending to ${commit.stream}`);
      await pause(Math.min(pauseMs(tries), left()), o.signal, this.#client.closing);
    }
  }

  /** An answer, or a failure after which the commit may be there or may be sent again. Throws what no try will change. */
  async #send(commit: Commit, wire: EventData[], o: Timed): Promise<Appended | Conflict | Failed> {
    try {
      const result = await this.#client.once({ ...o, kind: 'append' }, (client) =>
        client.appendToStream(this.#namespace.nameOf(commit.stream), wire, {
          expectedRevision: commit.at < 0n ? 'no_stream' : commit.at,
          requiresLeader: true,
          deadline: Math.max(1, Math.ceil(o.timeoutMs)),
        }),
      );
      // a connection string may ask for values in the place of errors
      if (!result.success || result.position === undefined) return await this.#settle(commit, undefined, o);
      return this.#written(commit, result.nextExpectedRevision, result.position);
    } catch (error) {
      if (isFault(error)) throw error;
      const failure = toCallFailure(error);
      if (failure.kind === 'wrong-version') return this.#settle(commit, failure.actual, o);
      if (MAY_PASS.has(failure.kind)) return { failure };
      throw faultOf(failure, `appending to ${commit.stream}`);
    }
  }

  #written({ stream, at, events }: Commit, revision: bigint, position: LogPosition): Appended {
    const last = at + BigInt(events.length);
    if (revision !== last) {
      const what = `the commit to ${stream} became event ${revision} and not ${last}`;
      throw new Fault('STORE_DAMAGED', `${what}: the stream was deleted behind this program; restore a backup`);
    }
    return { kind: 'appended', version: versionAt(last), cursor: this.#cursors.cursorAt(ownPosition(position)), deduplicated: false };
  }

  /** The server said that the stream is elsewhere, be it by an earlier try of this very commit. */
  async #settle(commit: Commit, actual: bigint | undefined, o: Timed): Promise<Appended | Conflict | Failed> {
    if (actual !== undefined && actual < commit.at + BigInt(commit.events.length)) {
      return { kind: 'conflict', actual: versionAt(actual) };
    }
    const found = await this.#readBack(commit, o).catch(unlessUnreachable);
    return found ?? { failure: new CallFailure('unavailable', new Error('what is stored could not be read back')) };
  }

  /** Undefined: the stream is where the commit expects it, so the commit is not there. */
  async #readBack(commit: Commit, o: CallOptions): Promise<Appended | Conflict | undefined> {
    const { stream, at, events } = commit;
    const stored: StoredEvent[] = [];
    for (;;) {
      const page = await this.#reader.forward(stream, at + 1n + BigInt(stored.length), events.length - stored.length, o);
      if (page.kind === 'missing') return at < 0n ? undefined : { kind: 'conflict', actual: undefined };
      stored.push(...page.events);
      const last = stored.at(-1);
      if (last !== undefined && stored.length === events.length && events.every((e, i) => same(stored[i], e))) {
        return { kind: 'appended', version: versionAt(last.revision), cursor: last.cursor, deduplicated: true };
      }
      if (last === undefined && page.version.revision === at) return undefined;
      if (page.end || stored.length >= events.length) return { kind: 'conflict', actual: page.version };
    }
  }

  #wire({ stream, at, events }: Commit): EventData[] {
    return events.map((e, i) => {
      if (eventHash(e.bytes).toString('hex') !== e.hash) {
        throw new Fault('STORE_DAMAGED', `event ${e.id} for ${stream} came with a hash that is not its own; nothing was written`);
      }
      const data = packEnvelope({ stream, revision: at + 1n + BigInt(i) }, e);
      return binaryEvent({ id: randomUUID(), type: e.type, data });
    });
  }
}

/** A read-back that was not answered says nothing; damage does. */
function unlessUnreachable(error: unknown): undefined {
  if (isFault(error) && ['STORE_UNAVAILABLE', 'ABORTED', 'STORE_CLOSED'].includes(error.code)) return undefined;
  throw error;
}

function outcomeUnknown({ stream, events }: Commit, failure: CallFailure): Fault {
  const what = `the commit of ${events.length} events to ${stream} may or may not be stored (${failure.kind})`;
  return new Fault('STORE_OUTCOME_UNKNOWN', `${what}; send the same again: it is read back first`, { retryable: true, cause: failure });
}
