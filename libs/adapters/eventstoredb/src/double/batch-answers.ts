import anyMessage from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessage from 'google-protobuf/google/protobuf/empty_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import statusMessage from '@eventstore/db-client/generated/status_pb.js';
import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { ANY, NO_STREAM, STREAM_EXISTS } from './append-check.ts';
import { identifier, uuid } from './wire.ts';

export type BatchFailure =
  | { readonly kind: 'wrong-version'; readonly expected: bigint; readonly current: bigint }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  /** a refusal for one event, with a name that the client does not know */
  | { readonly kind: 'event-too-large' };

/** Codes of google.rpc.Code. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

const answerFor = (correlation: string, stream: string): BatchAppendResp =>
  new streams.BatchAppendResp().setCorrelationId(uuid(correlation)).setStreamIdentifier(identifier(stream));

export function batchSuccess(correlation: string, stream: string, at: { revision: bigint; position: bigint }): BatchAppendResp {
  const position = new shared.AllStreamPosition()
    .setCommitPosition(String(at.position))
    .setPreparePosition(String(at.position));
  const success = new streams.BatchAppendResp.Success().setCurrentRevision(String(at.revision)).setPosition(position);
  return answerFor(correlation, stream).setSuccess(success);
}

function details(stream: string, failure: BatchFailure): { code: number; name: string; bytes: Uint8Array } {
  if (failure.kind === 'deleted') {
    const body = new shared.StreamDeleted().setStreamIdentifier(identifier(stream));
    return { code: NOT_FOUND, name: 'StreamDeleted', bytes: body.serializeBinary() };
  }
  if (failure.kind === 'too-large') {
    const body = new shared.MaximumAppendSizeExceeded().setMaxappendsize(failure.maxBytes);
    return { code: INVALID_ARGUMENT, name: 'MaximumAppendSizeExceeded', bytes: body.serializeBinary() };
  }
  if (failure.kind === 'event-too-large') {
    return { code: INVALID_ARGUMENT, name: 'MaximumAppendEventSizeExceeded', bytes: new Uint8Array(0) };
  }
  const body = new shared.WrongExpectedVersion();
  const empty = new emptyMessage.Empty(); // of google.protobuf here, of event_store.client in Append
  if (failure.expected === ANY) body.setExpectedAny(empty);
  else if (failure.expected === NO_STREAM) body.setExpectedNoStream(empty);
  else if (failure.expected === STREAM_EXISTS) body.setExpectedStreamExists(empty);
  else body.setExpectedStreamPosition(String(failure.expected));
  if (failure.current < 0n) body.setCurrentNoStream(empty);
  else body.setCurrentStreamRevision(String(failure.current));
  return { code: ALREADY_EXISTS, name: 'WrongExpectedVersion', bytes: body.serializeBinary() };
}

export function batchFailure(correlation: string, stream: string, failure: BatchFailure): BatchAppendResp {
  const { code, name, bytes } = details(stream, failure);
  const packed = new anyMessage.Any();
  packed.pack(bytes, `event_store.client.${name}`);
  const error = new statusMessage.Status().setCode(code).setMessage(name).setDetails(packed);
  return answerFor(correlation, stream).setError(error);
}
