import { processStateConformance } from '@maestro/conformance';
import { startPostgresServer, type PostgresServer } from '../fixtures/postgres-server.ts';
import { openPostgres } from './postgres-database.ts';
import { openPostgresProcessState } from './process-state.ts';

let server: PostgresServer;
beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());

processStateConformance('postgres', async () => {
  const connectionString = await server.freshDatabase();
  const open = async () => {
    const database = await openPostgres({ connectionString });
    return { database, state: await openPostgresProcessState(database) };
  };
  let opened = await open();
  const close = () => opened.state.close().then(() => opened.database.close());
  const reopen = async () => {
    await close();
    opened = await open();
    return opened.state;
  };
  return { open: async () => opened.state, reopen, dispose: close };
});
