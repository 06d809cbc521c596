import { existsSync, rmSync } from 'node:fs';
import { openSqliteEventStore, openSqliteProcessState, openSqliteReadModels } from '@maestro/adapter-sqlite';
import { isFault, readQuarantine } from '@maestro/ports';
import type { Cursor, EventStore, ProcessState } from '@maestro/ports';
import { failedReceipts } from '@maestro/runtime';
import type { DataFolder } from '../data-folder.ts';
import { STATE_NAMES, isCursorOf } from '../derived-state.ts';
import { checkEvidence } from './check-evidence.ts';
import type { Progress } from './check-store.ts';
import { fine, problem, skipped, warning } from './finding.ts';
import type { Finding, Repair } from './finding.ts';

/** Process state, read models and evidence against the events. Takes the folder as a start does: under the store's lock. */
export async function checkRecords(folder: DataFolder, onProgress: Progress): Promise<readonly Finding[]> {
  if (!existsSync(folder.events)) return [];
  let store: EventStore;
  try {
    store = await openSqliteEventStore({ path: folder.events });
  } catch (error) {
    if (isFault(error, 'STORE_IN_USE')) return [skipped('records', 'another process holds the store; end it to look at process state, read models and evidence')];
    return [skipped('records', `the store cannot be opened (${(error as Error).message}); mend it first`)];
  }
  try {
    return [...(await checkState(folder, store)), await checkViews(folder, store), await checkEvidence(folder, store, onProgress)];
  } finally {
    await store.close();
  }
}

/** Deletes a database that the next start folds anew. */
export function deleteDatabase(path: string): Repair {
  const files = ['', '-wal', '-shm'].map((suffix) => `${path}${suffix}`);
  return { what: `deleted ${path}; the next start makes it again from the events`, mend: async () => files.forEach((file) => rmSync(file, { force: true })) };
}

const AHEAD = 'it is ahead of the store, as after restoring an older backup';
const FOLDED_ANEW = 'none: the next start folds it anew; --repair does so now';

async function checkState({ processState: path }: DataFolder, store: EventStore): Promise<readonly Finding[]> {
  if (!existsSync(path)) return [fine('process-state', 'none yet; the next start makes it from the events')];
  const repair = deleteDatabase(path);
  let state: ProcessState;
  try {
    state = await openSqliteProcessState({ path });
  } catch (error) {
    return [problem('process-state', (error as Error).message, 'delete it: it is made again from the events', { repair })];
  }
  try {
    let rowCount = 0;
    for (const name of STATE_NAMES) {
      const { cursor, rows } = await state.load(name);
      if (!(await isCursorOf(store, cursor))) return [problem('process-state', AHEAD, FOLDED_ANEW, { repair })];
      for await (const _ of rows) rowCount += 1;
    }
    return [fine('process-state', `${rowCount} rows, not ahead of the store`), ...(await checkVerified(state)), ...(await checkQuarantine(state))];
  } catch (error) {
    return [problem('process-state', (error as Error).message, 'delete it: it is made again from the events', { repair })];
  } finally {
    await state.close();
  }
}

async function checkVerified(state: ProcessState): Promise<readonly Finding[]> {
  const failed = await failedReceipts(state);
  if (failed.length === 0) return [];
  const items = failed.map(({ executionId, code, detail, at }) => `${executionId} at ${at}: ${code}, ${detail}`);
  return [problem('receipts', `${failed.length} stored receipts did not verify when they were read back`, './maestro verify <run> tells each in full; see docs/errors.md', { items })];
}

async function checkQuarantine(state: ProcessState): Promise<readonly Finding[]> {
  const aside = await readQuarantine(state);
  if (aside.length === 0) return [];
  const items = aside.map(({ stream, by, code, detail, since }) => `${stream} by ${by} since ${since}: ${code}, ${detail}`);
  return [warning('quarantine', `${new Set(aside.map(({ stream }) => stream)).size} streams are set aside; the others are served`, 'mend what the event store says about them; each start tries them once more', { items })];
}

async function checkViews({ views: path }: DataFolder, store: EventStore): Promise<Finding> {
  if (!existsSync(path)) return fine('read-models', 'none yet; the next start makes them from the events');
  try {
    const views = await openSqliteReadModels({ path });
    try {
      const at: Cursor | null = await views.position();
      const repair: Repair = { what: 'asked for read models that are folded anew', mend: async () => askForRebuild(path) };
      if (!(await isCursorOf(store, at))) return problem('read-models', AHEAD, FOLDED_ANEW, { repair: deleteDatabase(path) });
      const head = await store.head();
      const rowCount = await views.proveRows();
      return { ...fine('read-models', at === head ? `${rowCount} rows, as new as the store` : `at ${at ?? 'the start'}, the store is at ${head}; the next start catches up`), repair };
    } finally {
      await views.close();
    }
  } catch (error) {
    return problem('read-models', (error as Error).message, 'delete them: they are made again from the events', { repair: deleteDatabase(path) });
  }
}

/** Lists and searches go on with the old rows until the new ones are filled, also where a conductor runs. */
export async function askForRebuild(path: string): Promise<void> {
  const views = await openSqliteReadModels({ path });
  try {
    await views.requestRebuild();
  } finally {
    await views.close();
  }
}

