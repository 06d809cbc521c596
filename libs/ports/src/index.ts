export { EMBEDDED_STORE_LIMITS, checkCall, checkEvents, checkStreamName, matches, pageLimit } from './event-admission.ts';
export type { Authorization, AuthorizationRequest, Authorizer } from './authorizer.ts';
export type { Clock, Entropy, Log, LogLevel, Metrics } from './environment.ts';
export type {
  AllPage,
  Appended,
  CallOptions,
  Conflict,
  Cursor,
  EventFilter,
  EventStore,
  NewEvent,
  StoredEvent,
  StoreLimits,
  StreamPage,
  SubscriptionItem,
  Version,
} from './event-store.ts';
export type { EvidenceHead, EvidenceItem, EvidenceRef, EvidenceStore } from './evidence-store.ts';
export { Fault, isFault } from './fault.ts';
export type { FaultCode } from './fault.ts';
export type { Ciphertext, DataKeyId, KeyTransfer, KeyVault, MovedKey, SealRequest } from './key-vault.ts';
export { UnparsedJson, VALUE_LIMITS } from './large-values.ts';
export type {
  PackRef,
  PackResult,
  PolicyEngine,
  PolicyFinding,
  PolicyResult,
  PolicySetRef,
  PolicyStage,
} from './policy-engine.ts';
export type { LeaseBoard, LeaseGroup, Leases } from './leases.ts';
export { partitionOf } from './partitions.ts';
export { assertUnmoved } from './process-state.ts';
export type { ApplyOptions, ProcessRow, ProcessState } from './process-state.ts';
export { QUARANTINE, readQuarantine } from './quarantine.ts';
export type { QuarantinedStream } from './quarantine.ts';
export type { PublicKeyRef, Signer } from './signer.ts';
export type {
  PackageDefinition,
  ResolvedPackage,
  TaskContext,
  TaskFailure,
  TaskPackages,
  TaskResult,
  UnknownPackage,
} from './task-packages.ts';
export type { SpanAttributes, SpanKind, SpanOptions, Tracer } from './tracer.ts';
export type {
  Consumption,
  ConsumeOptions,
  Leased,
  ParkedWork,
  QueueDepth,
  Settlement,
  Work,
  WorkKind,
  WorkQueue,
} from './work-queue.ts';
export type { CallerMessage, CallerMessages, CallerSettlement } from './caller-messages.ts';
export type { CommandAnswer, CommandEnvelope, CommandGateway } from './command-gateway.ts';
export { listPlan, listValue, nextCursor } from './list-plan.ts';
export type { ListPlace, ListPlan } from './list-plan.ts';
export { LISTS, TABLES } from './list-rules.ts';
export type { ListFilter, ListSort } from './list-rules.ts';
export type { FoldedBatch, ListPage, ListQuery, ReadModels, ReadModelsStatus, Side, SideStatus, Upserts } from './read-models.ts';
export type { Rows, TableName } from './rows.ts';
export type { WrapKey } from './wrap-key.ts';
export type { WakeUp, WakeUps } from './wake-ups.ts';
