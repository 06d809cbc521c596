export { RebuildRequests } from './rebuild-requests.ts';
export { stateDigest } from './state-digest.ts';
export { runAtOnce, runInTurn } from './steps.ts';
export type { Found, RowsStatement, Statement, Step, Steps, Value } from './steps.ts';
export { viewMigrations } from './view-migrations.ts';
export { ViewTables } from './view-tables.ts';
export type { AnySchema, DamageNotice, Insert, TypedColumn, ViewsDialect } from './views-dialect.ts';
