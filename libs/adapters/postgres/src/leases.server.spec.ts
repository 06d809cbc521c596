import { leasesConformance } from '@maestro/conformance';
import { startPostgresServer, type PostgresServer } from '../fixtures/postgres-server.ts';
import { openPostgresLeases } from './leases.ts';
import { openPostgres } from './postgres-database.ts';

let server: PostgresServer;
beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());

leasesConformance('postgres', async () => {
  const url = await server.freshDatabase();
  const database = await openPostgres({ connectionString: url });
  const leases = await openPostgresLeases(database);
  return {
    open: async () => leases,
    // by the clock that counts
    pass: async (ms) => void (await server.sql(url, `SELECT pg_sleep(${ms / 1_000})`)),
    dispose: () => database.close(),
  };
});
