import { hash } from 'node:crypto';
import { Fault, type NewEvent } from '@maestro/ports';

/** What one message of the stream says of itself, proved by its digest. */
export type CommitMeta = {
  /** also the message id */
  readonly commitId: string;
  readonly stream: string;
  /** sequence of the stream's commit before this one; 0: none */
  readonly after: number;
  /** revision of the first event */
  readonly firstRevision: number;
  readonly events: readonly EventMeta[];
};

/** Sizes in bytes; `sealedBytes` null: the event has no sealed values. */
export type EventMeta = {
  readonly id: string;
  readonly type: string;
  readonly hash: string;
  readonly sizeBytes: number;
  readonly sealedBytes: number | null;
};

/** A commit whose meta part is proved; each event's own bytes are proved when they are asked for. */
export type OpenedCommit = CommitMeta & {
  /** The event with its bytes; undefined: the bytes do not match their hash. */
  readonly eventAt: (index: number) => NewEvent | undefined;
};

// Form: "mce1", length of the meta JSON (u32, big endian), digest (32 bytes), meta JSON, then bytes and sealed bytes of each
// event in order. The digest is SHA-256 over meta JSON and sealed bytes: the events' bytes are covered by the hashes in it.
const MAGIC = Buffer.from('mce1', 'latin1');
const HEAD_BYTES = 40;

/** Room that one event needs in an envelope besides its own bytes: id, type, hash and lengths as JSON, with a margin. */
export const ENVELOPE_BYTES_PER_EVENT_MAX = 256;
/** Room that a message needs besides its events: head, stream name, headers. */
export const ENVELOPE_BYTES_MAX = 4_096;

/** 64 hex, as the port defines it. */
export function eventHash(bytes: Uint8Array): string {
  const covered = Buffer.allocUnsafe(bytes.length + 1);
  covered[0] = 0;
  covered.set(bytes, 1);
  return hash('sha256', covered, 'hex');
}

export function sealCommit(place: Omit<CommitMeta, 'events'>, events: readonly NewEvent[]): Uint8Array {
  const rows = events.map((e) => [e.id, e.type, e.hash, e.bytes.length, e.sealed?.length ?? null]);
  const { commitId, stream, after, firstRevision } = place;
  const meta = Buffer.from(JSON.stringify({ commitId, stream, after, firstRevision, events: rows }));
  const sealed = events.flatMap((e) => (e.sealed === null ? [] : [e.sealed]));
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32BE(meta.length, 4);
  digestOf(meta, sealed).copy(head, 8);
  return Buffer.concat([head, meta, ...events.flatMap((e) => (e.sealed === null ? [e.bytes] : [e.bytes, e.sealed]))]);
}

/** Undefined: these are not the bytes that `sealCommit` made, or it was another version of it. */
export function openCommit(payload: Uint8Array): OpenedCommit | undefined {
  const all = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (all.length < HEAD_BYTES || !all.subarray(0, 4).equals(MAGIC)) return undefined;
  const bodyAt = HEAD_BYTES + all.readUInt32BE(4);
  if (bodyAt > all.length) return undefined;
  const metaBytes = all.subarray(HEAD_BYTES, bodyAt);
  const meta = parseMeta(metaBytes);
  if (meta === undefined) return undefined;
  const places = placesOf(meta.events, bodyAt);
  if (places.end !== all.length) return undefined;
  const slice = ([from, to]: Span): Buffer => all.subarray(from, to);
  const sealed = places.spans.flatMap((span) => (span.sealed === null ? [] : [slice(span.sealed)]));
  if (!digestOf(metaBytes, sealed).equals(all.subarray(8, HEAD_BYTES))) return undefined;
  const eventAt = (index: number): NewEvent | undefined => {
    const [own, span] = [meta.events[index], places.spans[index]];
    if (own === undefined || span === undefined) return undefined;
    const bytes = new Uint8Array(slice(span.bytes));
    if (eventHash(bytes) !== own.hash) return undefined;
    return { id: own.id, type: own.type, bytes, hash: own.hash, sealed: span.sealed === null ? null : new Uint8Array(slice(span.sealed)) };
  };
  return { ...meta, eventAt };
}

/** Fault STORE_DAMAGED for an event that comes with a hash that is not its own: nothing is sent. */
export function checkHashes(stream: string, events: readonly NewEvent[]): void {
  const wrong = events.find((e) => eventHash(e.bytes) !== e.hash);
  if (wrong === undefined) return;
  throw new Fault('STORE_DAMAGED', `event ${wrong.id} for ${stream} came with a hash that is not its own; nothing was written`);
}

/** Whether a stored commit holds exactly these events, in this order. */
export function holdsExactly(commit: OpenedCommit, events: readonly NewEvent[]): boolean {
  return (
    commit.events.length === events.length &&
    events.every((e, i) => {
      const own = commit.events[i];
      return own !== undefined && own.id === e.id && own.type === e.type && own.hash === e.hash;
    })
  );
}

function digestOf(meta: Uint8Array, sealed: readonly Uint8Array[]): Buffer {
  return hash('sha256', sealed.length === 0 ? meta : Buffer.concat([meta, ...sealed]), 'buffer');
}

type Span = readonly [from: number, to: number];

type Places = { readonly spans: readonly { readonly bytes: Span; readonly sealed: Span | null }[]; readonly end: number };

function placesOf(events: readonly EventMeta[], at: number): Places {
  let end = at;
  const take = (size: number): Span => [end, (end += size)];
  const spans = events.map((e) => ({ bytes: take(e.sizeBytes), sealed: e.sealedBytes === null ? null : take(e.sealedBytes) }));
  return { spans, end };
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function parseMeta(bytes: Uint8Array): CommitMeta | undefined {
  const read = parseJson(bytes);
  const { commitId, stream, after, firstRevision, events } = read;
  if (typeof commitId !== 'string' || typeof stream !== 'string') return undefined;
  if (!isSize(after) || !isSize(firstRevision) || !Array.isArray(events)) return undefined;
  const rows = events.map(rowOf);
  if (rows.length === 0 || rows.includes(undefined)) return undefined;
  return { commitId, stream, after, firstRevision, events: rows.filter((row) => row !== undefined) };
}

function rowOf(row: unknown): EventMeta | undefined {
  if (!Array.isArray(row)) return undefined;
  const [id, type, of, sizeBytes, sealedBytes] = row as unknown[];
  const isNamed = typeof id === 'string' && typeof type === 'string' && typeof of === 'string';
  return isNamed && isSize(sizeBytes) && (sealedBytes === null || isSize(sealedBytes)) ? { id, type, hash: of, sizeBytes, sealedBytes } : undefined;
}

function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof read === 'object' && read !== null ? (read as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
