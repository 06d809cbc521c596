import { status, type handleBidiStreamingCall, type handleClientStreamingCall, type ServerDuplexStream } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendReq, AppendResp, BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { ANY, NO_STREAM, STREAM_EXISTS } from './append-check.ts';
import { batchFailure, batchSuccess } from './batch-answers.ts';
import type { AppendAnswer } from './log.ts';
import type { Proposed } from './log-record.ts';
import { counted, refusal, type NodeState } from './node-state.ts';
import { appendTooLarge, expectedOf, nameOf, proposed, requiresLeader, serviceError, sizeOf, streamDeleted } from './wire.ts';

function appended(answer: Exclude<AppendAnswer, { kind: 'deleted' }>, expected: bigint): AppendResp {
  if (answer.kind === 'done') {
    const at = String(answer.position);
    const position = new streams.AppendResp.Position().setCommitPosition(at).setPreparePosition(at);
    const success = new streams.AppendResp.Success().setCurrentRevision(String(answer.revision)).setPosition(position);
    return new streams.AppendResp().setSuccess(success);
  }
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  const empty = new shared.Empty();
  if (expected === ANY) wrong.setExpectedAny(empty);
  else if (expected === NO_STREAM) wrong.setExpectedNoStream(empty);
  else if (expected === STREAM_EXISTS) wrong.setExpectedStreamExists(empty);
  else wrong.setExpectedRevision(String(expected));
  if (answer.current < 0n) wrong.setCurrentNoStream(empty);
  else wrong.setCurrentRevision(String(answer.current));
  return new streams.AppendResp().setWrongExpectedVersion(wrong);
}

/** Streams.Append: options first, then one message per event, one answer at the end. */
export function appendCalls(state: NodeState): handleClientStreamingCall<AppendReq, AppendResp> {
  return (call, callback) => {
    counted(state, 'append', requiresLeader(call));
    let options: AppendReq.Options | undefined;
    const events: Proposed[] = [];
    call.on('data', (message: AppendReq) => {
      const event = message.getProposedMessage();
      if (event === undefined) options = message.getOptions();
      else events.push(proposed(event));
    });
    call.on('error', () => {}); // the caller left; nothing was decided yet
    call.on('end', () => {
      void (async () => {
        await state.faults.hanging();
        const refused = refusal(state, requiresLeader(call));
        if (refused !== undefined || options === undefined) return callback(refused ?? serviceError(status.INVALID_ARGUMENT, 'no options'));
        const { appendBytesMax } = state.options;
        const size = events.reduce((sum, e) => sum + sizeOf(e), 0);
        if (size > appendBytesMax || state.faults.takeSizeRefusal()) return callback(appendTooLarge(appendBytesMax));
        const name = nameOf(options.getStreamIdentifier());
        const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
        const answer = state.log.append(name, expected, events);
        if (!state.faults.takeReply()) return;
        if (answer.kind === 'deleted') callback(streamDeleted(name));
        else callback(null, appended(answer, expected));
      })();
    });
  };
}

export type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

type OpenBatch = { readonly options: BatchAppendReq.Options; readonly events: Proposed[] };

/** Streams.BatchAppend: one stream for all appends of a client, each known by its correlation id. */
export function batchCalls(state: NodeState, open: Set<BatchCall>): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  return (call) => {
    counted(state, 'batch-append', requiresLeader(call));
    open.add(call);
    const batches = new Map<string, OpenBatch>();
    call.on('error', () => open.delete(call));
    call.on('cancelled', () => open.delete(call));
    call.on('end', () => {
      open.delete(call);
      call.end();
    });
    call.on('data', (message: BatchAppendReq) => {
      const correlation = message.getCorrelationId()?.getString() ?? '';
      const options = message.getOptions();
      if (options !== undefined) batches.set(correlation, { options, events: [] });
      const batch = batches.get(correlation);
      if (batch === undefined) return;
      batch.events.push(...message.getProposedMessagesList().map(proposed));
      if (!message.getIsFinal()) return;
      batches.delete(correlation);
      counted(state, 'batched', requiresLeader(call));
      const hanging = state.faults.hanging();
      if (hanging === undefined) finish(state, call, correlation, batch);
      else void hanging.then(() => finish(state, call, correlation, batch));
    });
  };
}

function finish(state: NodeState, call: BatchCall, correlation: string, { options, events }: OpenBatch): void {
  const refused = refusal(state, requiresLeader(call));
  if (refused !== undefined) return void call.emit('error', refused);
  const name = nameOf(options.getStreamIdentifier());
  const reply = (message: BatchAppendResp): void => {
    if (state.faults.takeReply() && !call.cancelled && !call.destroyed) call.write(message);
  };
  const { appendBytesMax } = state.options;
  const size = events.reduce((sum, e) => sum + sizeOf(e), 0);
  if (state.faults.takeSizeRefusal()) return reply(batchFailure(correlation, name, { kind: 'event-too-large' }));
  if (size > appendBytesMax) return reply(batchFailure(correlation, name, { kind: 'too-large', maxBytes: appendBytesMax }));
  const expected = expectedOf(options, options.hasStreamPosition() ? options.getStreamPosition() : undefined);
  const answer = state.log.append(name, expected, events);
  if (answer.kind === 'done') reply(batchSuccess(correlation, name, answer));
  else if (answer.kind === 'deleted') reply(batchFailure(correlation, name, { kind: 'deleted' }));
  else reply(batchFailure(correlation, name, { kind: 'wrong-version', expected, current: answer.current }));
}
