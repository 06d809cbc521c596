import { randomUUID } from 'node:crypto';
import { status, type handleUnaryCall } from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type { ClusterInfo, MemberInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import type { Empty } from '@eventstore/db-client/generated/shared_pb.js';
import { counted, type Member, type NodeState } from './node-state.ts';
import { answerUnary } from './unary-answer.ts';
import { serviceError, uuid } from './wire.ts';

const STREAMS = 'event_store.client.streams.streams';
/** States of a node in gossip. */
const FOLLOWER = 6;
const LEADER = 8;

/** ServerFeatures: clients ask once before their first append, and choose Append or BatchAppend by it. */
export function featureCalls(state: NodeState): handleUnaryCall<Empty, SupportedMethods> {
  return (_call, callback) => {
    counted(state, 'features', false);
    if (state.faults.features === 'failed') return callback(serviceError(status.UNKNOWN, 'no features today'));
    if (state.faults.features === 'hung') return;
    void answerUnary(callback, async () => {
      await state.faults.hanging();
      return supportedMethods(state.options.batchAppend);
    });
  };
}

function supportedMethods(batchAppend: boolean): SupportedMethods {
  const names = ['read', 'append', 'delete', 'tombstone', ...(batchAppend ? ['batchappend'] : [])];
  const methods = names.map((name) => new features.SupportedMethod().setServiceName(STREAMS).setMethodName(name));
  return new features.SupportedMethods().setEventStoreServerVersion('24.10.0').setMethodsList(methods);
}

const memberInfo = (member: Member): MemberInfo =>
  new gossip.MemberInfo()
    .setInstanceId(uuid(randomUUID()))
    .setTimeStamp(String(Date.now()))
    .setState(member.isLeader ? LEADER : FOLLOWER)
    .setIsAlive(member.isAlive)
    .setHttpEndPoint(new gossip.EndPoint().setAddress(member.host).setPort(member.port));

/** Gossip: who is there, and who leads. */
export function gossipCalls(state: NodeState): handleUnaryCall<Empty, ClusterInfo> {
  return (_call, callback) => {
    counted(state, 'gossip', false);
    void answerUnary(callback, async () => {
      await state.faults.hanging();
      return new gossip.ClusterInfo().setMembersList(state.members().map(memberInfo));
    });
  };
}
