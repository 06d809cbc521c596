import { randomUUID } from 'node:crypto';
import { check } from './append-check.ts';
import type { LogFile } from './log-file.ts';
import type { LogRecord, LogStream, LogView, Placed, Proposed } from './log-record.ts';
import { TOMBSTONE_REVISION, isSoftDeleted, metadataOf, metadataStream } from './stream-metadata.ts';

export type AppendAnswer =
  | { readonly kind: 'done'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrong-version'; readonly current: bigint }
  | { readonly kind: 'deleted' };

const RECORD_OVERHEAD_BYTES = 60;
/** Ids of the latest events, for appends at `any`: a cache, lost with the process, as in the server. */
const RECENT_IDS_MAX = 100_000;

/**
 * The log of an EventStoreDB, as its server's source describes it: one order of all events, streams as an index over it.
 *
 * L1. A commit is one line of the file, written before any of its records can be read or answered.
 * L2. Revisions of a stream are dense from 0 and never reused, soft deletion or not.
 * L3. Nothing is ever removed from the order of all events: truncation and deletion hide events of stream reads only.
 */
export class EventLog implements LogView {
  readonly records: LogRecord[] = [];
  readonly recent = new Map<string, LogRecord>();
  readonly #streams = new Map<string, LogStream>();
  readonly #wakes = new Set<() => void>();
  readonly #file: LogFile | undefined;
  #endPosition = 0n;

  constructor(file?: LogFile) {
    this.#file = file;
    for (const commit of file?.commits() ?? []) {
      const transaction = this.#endPosition;
      for (const each of commit.records) this.#put(each, { transaction, createdMs: commit.createdMs });
    }
  }

  stream(name: string): LogStream | undefined {
    return this.#streams.get(name);
  }

  /** -1: the stream was never written. */
  lastRevision(name: string): bigint {
    const stream = this.#streams.get(name);
    if (stream?.tombstone !== undefined) return TOMBSTONE_REVISION;
    return BigInt((stream?.records.length ?? 0) - 1);
  }

  append(name: string, expected: bigint, events: readonly Proposed[]): AppendAnswer {
    const ids = events.map((e) => e.id);
    const verdict = check(this, name, expected, ids);
    if (verdict.kind === 'deleted') return verdict;
    if (verdict.kind === 'wrong') return { kind: 'wrong-version', current: verdict.current };
    if (verdict.kind === 'same') return { kind: 'done', revision: verdict.last.revision, position: verdict.last.position };
    const first = this.lastRevision(name) + 1n;
    const revived = isSoftDeleted(this, name) ? [this.#revival(name, first)] : [];
    this.#commit([...events.map((e, i) => ({ ...e, stream: name, revision: first + BigInt(i) })), ...revived]);
    const last = this.records[this.records.length - 1 - revived.length];
    return { kind: 'done', revision: first + BigInt(events.length - 1), position: last?.position ?? this.#endPosition };
  }

  /** Hides all events of a stream until it is written again; hard: for ever. */
  delete(name: string, expected: bigint, o: { readonly hard: boolean }): AppendAnswer {
    const verdict = check(this, name, expected, [randomUUID()]);
    if (verdict.kind === 'deleted') return verdict;
    const never = this.lastRevision(name) < 0n && this.lastRevision(metadataStream(name)) < 0n;
    if (verdict.kind === 'wrong' || (never && !o.hard)) return { kind: 'wrong-version', current: this.lastRevision(name) };
    const empty = { id: randomUUID(), isJson: false, data: new Uint8Array(0), metadata: new Uint8Array(0) };
    if (o.hard) this.#commit([{ ...empty, type: '$streamDeleted', stream: name, revision: TOMBSTONE_REVISION }]);
    else this.#commit([this.#metadataEvent(name, '{"$tb":9223372036854775807}')]);
    const position = this.records.at(-1)?.position ?? 0n;
    return { kind: 'done', revision: this.lastRevision(name), position };
  }

  /** The record index of the first event at or after a position. */
  indexAt(position: bigint): number {
    let low = 0;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.records[middle]?.position ?? 0n) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Resolves at the next commit, or when the signal fires. */
  moved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wakes.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wakes.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** What a soft deletion hid stays hidden; what comes now does not. */
  #revival(name: string, from: bigint): Placed {
    return this.#metadataEvent(name, JSON.stringify({ ...metadataOf(this, name), $tb: Number(from) }));
  }

  #metadataEvent(name: string, json: string): Placed {
    const stream = metadataStream(name);
    const data = new TextEncoder().encode(json);
    const revision = this.lastRevision(stream) + 1n;
    return { id: randomUUID(), type: '$metadata', isJson: true, data, metadata: new Uint8Array(0), stream, revision };
  }

  #commit(events: readonly Placed[]): void {
    const createdMs = Date.now();
    this.#file?.write(createdMs, events);
    const transaction = this.#endPosition;
    for (const e of events) this.#put(e, { transaction, createdMs });
    for (const wake of [...this.#wakes]) wake();
  }

  #put(event: Placed, of: { readonly transaction: bigint; readonly createdMs: number }): void {
    const { stream: name, revision, id, type, isJson, data, metadata } = event;
    const stream = this.#streams.get(name) ?? { records: [], tombstone: undefined };
    const record = { id, type, isJson, data, metadata, stream: name, revision, position: this.#endPosition, ...of };
    this.#endPosition += BigInt(RECORD_OVERHEAD_BYTES + name.length + type.length + data.length + metadata.length);
    if (revision === TOMBSTONE_REVISION) stream.tombstone = record;
    else stream.records.push(record);
    this.#streams.set(name, stream);
    this.records.push(record);
    this.recent.set(id, record);
    if (this.recent.size > RECENT_IDS_MAX) for (const [oldest] of this.recent) return void this.recent.delete(oldest);
  }
}
