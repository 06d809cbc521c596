export { parseConfig } from './config.ts';
export { decideOffline, planOffline } from './offline.ts';
export type { OfflineAsked, OfflineDecision, OfflinePlan } from './offline.ts';
