export { parseConfig } from './config.ts';
export { decideOffline, planOffline } from './offline.ts';
export type { OfflineAsked, OfflineDecision, OfflinePlan } from './offline.ts';
export { examine } from './doctor/examine.ts';
export type { DoctorReport, Examination } from './doctor/examine.ts';
export type { Finding } from './doctor/finding.ts';
