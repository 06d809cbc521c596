export { MemoryEvidenceStore } from './evidence-store.ts';
export { MemoryKeyVault } from './key-vault.ts';
export { ManualClock, systemClock } from './clock.ts';
export { seededEntropy, systemEntropy } from './entropy.ts';
export { MemoryEventLog } from './event-log.ts';
export { MemoryEventStore } from './event-store.ts';
export { MemoryProcessDisk, MemoryProcessState } from './process-state.ts';
export { MemoryWorkQueue } from './work-queue.ts';
export type { MemoryWorkQueueOptions } from './work-queue.ts';
