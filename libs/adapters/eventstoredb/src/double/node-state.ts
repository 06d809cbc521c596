import type { ServiceError } from '@grpc/grpc-js';
import type { Faults } from './faults.ts';
import type { EventLog } from './log.ts';
import { accessDenied, notLeader, notReady, type Endpoint } from './wire.ts';

/** What a node says of itself and the others in gossip. */
export type Member = Endpoint & { readonly isLeader: boolean; readonly isAlive: boolean };

export type NodeOptions = {
  /** false: the node does not offer BatchAppend, and clients use Append. Default true */
  readonly batchAppend?: boolean;
  /** data, metadata and twice the type of all events of an append; default 1 MiB, as servers before 25.1 */
  readonly appendBytesMax?: number;
};

/** What the calls of one node work on. */
export type NodeState = {
  readonly log: EventLog;
  readonly faults: Faults;
  readonly options: Required<NodeOptions>;
  /** of all nodes, this one among them */
  members(): readonly Member[];
  readonly endpoint: Endpoint;
  /** how often which method was called; those that required the leader count as `<method>+leader` as well */
  readonly calls: Map<string, number>;
};

export function counted(state: NodeState, method: string, leader: boolean): void {
  for (const key of leader ? [method, `${method}+leader`] : [method]) state.calls.set(key, (state.calls.get(key) ?? 0) + 1);
}

/**
 * Why this node refuses a call: during an election all do; afterwards a follower does where the leader is required.
 * Without that requirement a follower forwards writes and answers reads, which one shared log makes the same thing.
 */
export function refusal(state: NodeState, leaderOnly: boolean): ServiceError | undefined {
  if (state.faults.denies) return accessDenied();
  const leader = state.members().find((m) => m.isLeader && m.isAlive);
  if (leader === undefined) return notReady();
  if (!leaderOnly || leader.port === state.endpoint.port) return undefined;
  return notLeader(leader);
}
