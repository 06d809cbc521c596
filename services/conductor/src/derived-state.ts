import { rmSync } from 'node:fs';
import { openSqliteProcessState, openSqliteReadModels } from '@maestro/adapter-sqlite';
import { isFault } from '@maestro/ports';
import type { Cursor, EventStore, Log, ProcessState, ReadModels } from '@maestro/ports';
import { VERIFIED_RECEIPTS } from '@maestro/runtime';
import type { DataFolder } from './data-folder.ts';

/** Names under which the roles remember how far they folded. */
export const STATE_NAMES = ['intents', 'receipts', VERIFIED_RECEIPTS] as const;

export type DerivedState = { readonly state: ProcessState; readonly views: ReadModels };

/**
 * Opens what is folded from the events. Where it is ahead of the store, or of another one, as after restoring a backup,
 * it says things that never happened: it is deleted, and folded anew from what did. What is lost with it is the memory
 * of refused commands. Faults of either database pass.
 */
export async function openDerivedState({ processState, views }: DataFolder, store: EventStore, log: Log): Promise<DerivedState> {
  const ownState = async (): Promise<ProcessState> => openSqliteProcessState({ path: processState });
  const ownViews = async (): Promise<ReadModels> => openSqliteReadModels({ path: views });
  return {
    state: await unlessAhead(processState, ownState, (state) => isStateOf(store, state), log),
    views: await unlessAhead(views, ownViews, async (models) => isCursorOf(store, await models.position()), log),
  };
}

async function unlessAhead<T extends { close(): Promise<void> }>(path: string, open: () => Promise<T>, isOurs: (opened: T) => Promise<boolean>, log: Log): Promise<T> {
  const opened = await open();
  try {
    if (await isOurs(opened)) return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
  await opened.close();
  log.log('warn', 'a database is ahead of the event store, as after restoring a backup: it is deleted and folded anew', { path });
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  return open();
}

async function isStateOf(store: EventStore, state: ProcessState): Promise<boolean> {
  for (const name of STATE_NAMES) {
    const { cursor, rows } = await state.load(name);
    // a load that nobody reads holds a connection, and with it the log of the database
    for await (const _ of rows) break;
    if (!(await isCursorOf(store, cursor))) return false;
  }
  return true;
}

/** Whether a place is one of this store, and not after its end. */
export async function isCursorOf(store: EventStore, cursor: Cursor | null): Promise<boolean> {
  if (cursor === null) return true;
  try {
    await store.readAll({ after: cursor, limit: 1 });
    return true;
  } catch (error) {
    if (isFault(error, 'CURSOR_INVALID')) return false;
    // what follows is damaged, but there
    if (isFault(error, 'STORE_DAMAGED')) return true;
    throw error;
  }
}
