export { openEventStoreDb } from './event-store.ts';
export type { EventStoreDbEventStore, EventStoreDbOptions } from './event-store.ts';
