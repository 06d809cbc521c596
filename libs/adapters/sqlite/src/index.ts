export { openSqliteEventStore, SqliteEventStore } from './event-store.ts';
export type { SqliteEventStoreOptions } from './event-store.ts';
export { openSqliteProcessState, SqliteProcessState } from './process-state.ts';
export { openSqliteReadModels, SqliteReadModels } from './read-models/sqlite-read-models.ts';
export { sweepEventStore } from './sweep.ts';
export type { StoreDamage, StoreSweep, SweepOptions, SweptEvent } from './sweep.ts';
