import { status, type handleServerStreamingCall } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { LogRecord } from './log-record.ts';
import { counted, refusal, type NodeState } from './node-state.ts';
import { send, type ReadCall } from './read-call.ts';
import { followAll } from './subscription-calls.ts';
import { statusOf, visible } from './stream-metadata.ts';
import { nameOf, readEvent, requiresLeader, serviceError, streamDeleted } from './wire.ts';

const FORWARD = 0;

/** Streams.Read: pages of a stream, pages of all events, and subscriptions to all events. */
export function readCalls(state: NodeState): handleServerStreamingCall<ReadReq, ReadResp> {
  return (call) => {
    counted(state, 'read', requiresLeader(call));
    void answer(state, call).catch((error: unknown) => {
      if (!call.cancelled) call.emit('error', error);
    });
  };
}

async function answer(state: NodeState, call: ReadCall): Promise<void> {
  await state.faults.hanging();
  const refused = refusal(state, requiresLeader(call));
  if (refused !== undefined) throw refused;
  const options = call.request.getOptions();
  if (options === undefined) throw serviceError(status.INVALID_ARGUMENT, 'no options');
  if (options.hasStream() && options.hasSubscription()) {
    throw serviceError(status.UNIMPLEMENTED, 'this double has no subscriptions to single streams');
  }
  if (options.hasSubscription()) return followAll(state, call);
  const records = options.hasStream() ? streamPage(state, options) : allPage(state, options);
  if (records === undefined) {
    const missing = new streams.ReadResp.StreamNotFound().setStreamIdentifier(options.getStream()?.getStreamIdentifier());
    await send(call, new streams.ReadResp().setStreamNotFound(missing));
  }
  for (const record of records ?? []) {
    const prepare = options.hasStream() ? record.transaction : record.position;
    if (!(await send(call, readEvent(record, prepare)))) return;
  }
  call.end();
}

/** Undefined: no such stream, which is a message and not an error. */
function streamPage(state: NodeState, options: ReadReq.Options): Iterable<LogRecord> | undefined {
  const asked = options.getStream();
  const name = nameOf(asked?.getStreamIdentifier());
  const there = statusOf(state.log, name);
  if (there === 'deleted') throw streamDeleted(name);
  if (there === 'missing') return undefined;
  const from = asked?.hasRevision() === true ? BigInt(asked.getRevision()) : undefined;
  const shown = visible(state.log, name);
  const count = Number(options.getCount());
  if (options.getReadDirection() === FORWARD) {
    const start = asked?.hasEnd() === true ? state.log.lastRevision(name) + 1n : (from ?? 0n);
    return shown.filter((r) => r.revision >= start).slice(0, count);
  }
  if (asked?.hasStart() === true) return shown.filter((r) => r.revision === 0n);
  return shown.filter((r) => from === undefined || r.revision <= from).reverse().slice(0, count);
}

/** Forward inclusive, backward exclusive; a position that is no event's is an error. Filters are not for pages. */
function allPage(state: NodeState, options: ReadReq.Options): Iterable<LogRecord> {
  const { records } = state.log;
  const asked = options.getAll();
  const at = asked?.hasPosition() === true ? BigInt(asked.getPosition()?.getCommitPosition() ?? 0) : undefined;
  const index = at === undefined ? undefined : state.log.indexAt(at);
  const found = index === undefined ? undefined : records[index];
  if (found !== undefined && found.position !== at) throw serviceError(status.INVALID_ARGUMENT, 'invalid position');
  const count = Number(options.getCount());
  if (options.getReadDirection() === FORWARD) {
    const start = asked?.hasEnd() === true ? records.length : (index ?? 0);
    return records.slice(start, start + count);
  }
  const end = asked?.hasStart() === true ? 0 : (index ?? records.length);
  return records.slice(Math.max(0, end - count), end).reverse();
}
