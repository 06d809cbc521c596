export { startEventStoreDouble } from './cluster.ts';
export type { DoubleOptions, DoubleStatus, EventStoreDouble } from './cluster.ts';
export { startControl } from './control.ts';
export type { DoubleControl } from './control.ts';
export { DOUBLE_PROGRAM } from './program.ts';
