import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyVaultConformance } from '@maestro/conformance';
import { startPostgresServer, type PostgresServer } from '../../fixtures/postgres-server.ts';
import { openPostgres } from '../postgres-database.ts';
import { openPostgresKeyVault } from './postgres-key-vault.ts';
import { openWrapKeyFile } from './wrap-key-file.ts';

let server: PostgresServer;
let folder: string;
beforeAll(async () => {
  server = await startPostgresServer();
  folder = mkdtempSync(join(tmpdir(), 'maestro-wrap-'));
});
afterAll(async () => {
  await server.dispose();
  rmSync(folder, { recursive: true });
});

keyVaultConformance(
  'postgres',
  async () => {
    const connectionString = await server.freshDatabase();
    const open = async () => {
      const database = await openPostgres({ connectionString });
      return { database, vault: await openPostgresKeyVault(database, openWrapKeyFile(join(folder, 'wrap.keys'))) };
    };
    let opened = await open();
    const close = () => opened.vault.close().then(() => opened.database.close());
    const reopen = async () => {
      await close();
      opened = await open();
      return opened.vault;
    };
    return { vault: opened.vault, reopen, dispose: close };
  },
  { caseTimeoutMs: 120_000 },
);
