import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventStoreConformance } from '@maestro/conformance';
import { openSqliteEventStore, type SqliteEventStore } from './event-store.ts';

const noServer = 'lives in the caller’s process: there is no server or connection';
const noDelete = 'has no means to delete or hide events';
eventStoreConformance(
  'sqlite',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-events-'));
    const open = (): Promise<SqliteEventStore> => openSqliteEventStore({ path: join(folder, 'events.db') });
    let store = await open();
    const reopen = async (): Promise<SqliteEventStore> => {
      await store.close();
      return (store = await open());
    };
    const dispose = (): Promise<void> => store.close().finally(() => rmSync(folder, { recursive: true }));
    return { open: async () => store, reopen, dispose };
  },
  { notApplicable: { 14: noServer, 37: noServer, 38: noServer, 39: noDelete, 40: noDelete } },
);
