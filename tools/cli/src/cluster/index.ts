export { freePorts } from './free-ports.ts';
export { startCluster, stopCluster } from './local-cluster.ts';
export type { ClusterSetting } from './local-cluster.ts';
export { becomesReady, endMember, endOfLog, isAlive, isReady, startMember } from './member.ts';
export type { Member, MemberPlan } from './member.ts';
export type { Scale } from './plan-roles.ts';
export type { PlannedServers } from './plan-servers.ts';
export { readRecord, writeRecord } from './cluster-record.ts';
export { findServerBinaries } from './server-binaries.ts';
