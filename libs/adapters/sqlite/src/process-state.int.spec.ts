import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processStateConformance } from '@maestro/conformance';
import { openSqliteProcessState, type SqliteProcessState } from './process-state.ts';

processStateConformance('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-process-'));
  const open = (): Promise<SqliteProcessState> => openSqliteProcessState({ path: join(folder, 'process.db') });
  let state = await open();
  const reopen = async (): Promise<SqliteProcessState> => {
    await state.close();
    return (state = await open());
  };
  const dispose = (): Promise<void> => state.close().finally(() => rmSync(folder, { recursive: true }));
  return { open: async () => state, reopen, dispose };
});
