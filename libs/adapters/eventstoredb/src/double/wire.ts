import { Metadata, status, type ServerUnaryCall, type ServiceError } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { ANY, NO_STREAM, STREAM_EXISTS } from './append-check.ts';
import type { LogRecord, Proposed } from './log-record.ts';

const TICKS_PER_MS = 10_000n;

export const uuid = (text: string): UUID => new shared.UUID().setString(text);
export const identifier = (name: string): StreamIdentifier =>
  new shared.StreamIdentifier().setStreamName(new TextEncoder().encode(name));
export const nameOf = (id: StreamIdentifier | undefined): string =>
  new TextDecoder().decode(id?.getStreamName_asU8() ?? new Uint8Array(0));

function recordedEvent(record: LogRecord, prepare: bigint): ReadResp.ReadEvent.RecordedEvent {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(uuid(record.id))
    .setStreamIdentifier(identifier(record.stream))
    .setStreamRevision(String(record.revision))
    .setCommitPosition(String(record.position))
    .setPreparePosition(String(prepare))
    .setData(record.data)
    .setCustomMetadata(record.metadata);
  const metadata = event.getMetadataMap();
  metadata.set('type', record.type);
  metadata.set('content-type', record.isJson ? 'application/json' : 'application/octet-stream');
  metadata.set('created', String(BigInt(record.createdMs) * TICKS_PER_MS));
  return event;
}

export function readEvent(record: LogRecord, prepare: bigint = record.position): ReadResp {
  const event = new streams.ReadResp.ReadEvent().setEvent(recordedEvent(record, prepare)).setCommitPosition(String(record.position));
  return new streams.ReadResp().setEvent(event);
}

/** Subscriptions are at about the same event, so that the latest ones are made and encoded once for all of them. */
const EVENTS_KEPT = 4_096;
const kept = new Map<LogRecord, ReadResp>();
const encoded = new WeakMap<ReadResp, Buffer>();

/** As `readEvent`; the same message for everybody. */
export function sharedReadEvent(record: LogRecord): ReadResp {
  const known = kept.get(record);
  if (known !== undefined) return known;
  const message = readEvent(record);
  kept.set(record, message);
  const [oldest] = kept.keys();
  if (kept.size > EVENTS_KEPT && oldest !== undefined) kept.delete(oldest);
  return message;
}

/** How the service encodes what it answers to reads. */
export function encodeRead(message: ReadResp): Buffer {
  const known = encoded.get(message);
  if (known !== undefined) return known;
  const bytes = Buffer.from(message.serializeBinary());
  encoded.set(message, bytes);
  return bytes;
}

/** What both kinds of append send of one event. */
type ProposedMessage = {
  getId(): UUID | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
};

export function proposed(message: ProposedMessage): Proposed {
  const metadata = message.getMetadataMap();
  return {
    id: (message.getId()?.getString() ?? '').toLowerCase(),
    type: metadata.get('type') ?? '',
    isJson: metadata.get('content-type') === 'application/json',
    data: Uint8Array.from(message.getData_asU8()),
    metadata: Uint8Array.from(message.getCustomMetadata_asU8()),
  };
}

/** As the server counts an append against its limits. */
export const sizeOf = (e: Proposed): number => e.data.length + e.metadata.length + 2 * Buffer.byteLength(e.type);

/** The expected revision of options that name it `expected()` or one of three words. */
export function expectedOf(o: { hasAny(): boolean; hasNoStream(): boolean }, exact: string | undefined): bigint {
  if (exact !== undefined) return BigInt(exact);
  if (o.hasAny()) return ANY;
  return o.hasNoStream() ? NO_STREAM : STREAM_EXISTS;
}

export function serviceError(code: status, details: string, trailers: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const streamDeleted = (name: string): ServiceError =>
  serviceError(status.FAILED_PRECONDITION, `Event stream '${name}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': name,
  });

export const wrongVersion = (name: string, expected: bigint, actual: bigint): ServiceError =>
  serviceError(
    status.FAILED_PRECONDITION,
    `WrongExpectedVersion. Stream: ${name}, Expected version: ${expected}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': name,
      'expected-version': String(expected),
      'actual-version': String(actual),
    },
  );

export const appendTooLarge = (maxBytes: number): ServiceError =>
  serviceError(status.INVALID_ARGUMENT, `Maximum Append Size of ${maxBytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(maxBytes),
  });

export type Endpoint = { readonly host: string; readonly port: number };

export const notLeader = (leader: Endpoint): ServiceError =>
  serviceError(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  });

export const accessDenied = (): ServiceError =>
  serviceError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });

export const notReady = (): ServiceError => serviceError(status.UNAVAILABLE, 'Server Is Not Ready');

export const requiresLeader = (call: Pick<ServerUnaryCall<unknown, unknown>, 'metadata'>): boolean =>
  call.metadata.get('requires-leader')[0] === 'true';
