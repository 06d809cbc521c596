export { startEventStoreDouble } from './cluster.ts';
export type { DoubleOptions, DoubleStatus, EventStoreDouble } from './cluster.ts';
