export { openPostgresLeases, PostgresLeases } from './leases.ts';
export { openPostgres, PostgresDatabase } from './postgres-database.ts';
export type { PostgresDurability, PostgresOptions } from './postgres-database.ts';
export { openPostgresProcessState, PostgresProcessState } from './process-state.ts';
export { openPostgresReadModels, PostgresReadModels } from './read-models/postgres-read-models.ts';
export { openPostgresKeyVault, PostgresKeyVault } from './vault/postgres-key-vault.ts';
export type { PostgresKeyVaultOptions } from './vault/postgres-key-vault.ts';
export { openWrapKeyFile } from './vault/wrap-key-file.ts';
