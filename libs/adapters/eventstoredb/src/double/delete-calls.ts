import { status, type handleUnaryCall } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { DeleteReq, DeleteResp, TombstoneReq, TombstoneResp } from '@eventstore/db-client/generated/streams_pb.js';
import { counted, refusal, type NodeState } from './node-state.ts';
import { answerUnary } from './unary-answer.ts';
import { expectedOf, nameOf, requiresLeader, serviceError, streamDeleted, wrongVersion } from './wire.ts';

type Done = { readonly position: string };

async function remove(state: NodeState, request: DeleteReq | TombstoneReq, leader: boolean, hard: boolean): Promise<Done> {
  counted(state, hard ? 'tombstone' : 'delete', leader);
  await state.faults.hanging();
  const refused = refusal(state, leader);
  if (refused !== undefined) throw refused;
  const options = request.getOptions();
  if (options === undefined) throw serviceError(status.INVALID_ARGUMENT, 'no options');
  const name = nameOf(options.getStreamIdentifier());
  const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
  const answer = state.log.delete(name, expected, { hard });
  if (answer.kind === 'deleted') throw streamDeleted(name);
  if (answer.kind === 'wrong-version') throw wrongVersion(name, expected, answer.current);
  return { position: String(answer.position) };
}

/** Streams.Delete: hides the events until the stream is written again. */
export function deleteCalls(state: NodeState): handleUnaryCall<DeleteReq, DeleteResp> {
  return (call, callback) => {
    void answerUnary(callback, async () => {
      const { position } = await remove(state, call.request, requiresLeader(call), false);
      const at = new streams.DeleteResp.Position().setCommitPosition(position).setPreparePosition(position);
      return new streams.DeleteResp().setPosition(at);
    });
  };
}

/** Streams.Tombstone: for ever. */
export function tombstoneCalls(state: NodeState): handleUnaryCall<TombstoneReq, TombstoneResp> {
  return (call, callback) => {
    void answerUnary(callback, async () => {
      const { position } = await remove(state, call.request, requiresLeader(call), true);
      const at = new streams.TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position);
      return new streams.TombstoneResp().setPosition(at);
    });
  };
}
