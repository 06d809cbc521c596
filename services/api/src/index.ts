export { tokenOf } from './api-dependencies.ts';
export type {
  ApiDependencies,
  ApiMetrics,
  CommandRecord,
  CommandRecords,
  PublishedKey,
  PublishedKeys,
  ReadinessRow,
  VerifyReport,
  VerifyRow,
} from './api-dependencies.ts';
export { apiModule, queriesOf } from './api-module.ts';
export { readManifest } from './commands/read-manifest.ts';
export { configureHttp } from './http/configure-http.ts';
export { createHttpAdapter } from './http/http-adapter.ts';
export { openNatsEdge } from './nats/nats-edge.ts';
export type { NatsEdge, NatsEdgeDependencies } from './nats/nats-edge.ts';
export { openApiDocument } from './openapi/document.ts';
export { FAULT_STATUS } from './problem/fault-status.ts';
export { HTTP_STATUS } from './problem/http-codes.ts';
export type { HttpCode } from './problem/http-codes.ts';
export { REJECTION_STATUS } from './problem/rejection-status.ts';
export { API_DEFAULTS } from './settings.ts';
export type { ApiSettings } from './settings.ts';
