import { readModelsConformance } from '@maestro/conformance';
import { startPostgresServer, type PostgresServer } from '../../fixtures/postgres-server.ts';
import { openPostgres } from '../postgres-database.ts';
import { openPostgresReadModels } from './postgres-read-models.ts';

let server: PostgresServer;
beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());

readModelsConformance(
  'postgres',
  async () => {
    const connectionString = await server.freshDatabase();
    const open = async () => {
      const database = await openPostgres({ connectionString });
      return { database, views: await openPostgresReadModels(database) };
    };
    let opened = await open();
    const close = () => opened.views.close().then(() => opened.database.close());
    const reopen = async () => {
      await close();
      opened = await open();
      return opened.views;
    };
    return { open: async () => opened.views, reopen, dispose: close };
  },
  { caseTimeoutMs: 120_000 },
);
