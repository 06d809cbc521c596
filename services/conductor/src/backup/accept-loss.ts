import { existsSync } from 'node:fs';
import { beginNewIncarnation, findStoreLoss, lockEventStore } from '@maestro/adapter-sqlite';
import { Fault } from '@maestro/ports';
import { pathsOf } from '../data-folder.ts';
import { namingHolder } from '../presence.ts';
import { readAcceptedLosses, writeAcceptedLosses } from './accepted-losses.ts';
import type { AcceptedLoss } from './accepted-losses.ts';

/**
 * Lets a data folder whose store is behind its head mark go on with what it has: records the loss, then moves the mark back.
 * Null: the store is not behind its mark, and nothing was changed. Faults: DATA_FOLDER_INVALID, STORE_IN_USE, STORE_DAMAGED.
 */
export function acceptStoreLoss({ dataDir, now }: { readonly dataDir: string; readonly now: string }): AcceptedLoss | null {
  const folder = pathsOf(dataDir);
  if (!existsSync(folder.events)) throw new Fault('DATA_FOLDER_INVALID', `${dataDir} holds no event store; restore a backup into it with --from`);
  const release = lock();
  try {
    const loss = findStoreLoss({ kept: folder.events, givenUp: folder.events });
    if (loss === null) return null;
    const accepted: AcceptedLoss = { acceptedAt: now, kept: 'the store as it is', ...loss };
    writeAcceptedLosses(folder, [...readAcceptedLosses(folder), accepted]);
    beginNewIncarnation(folder.events);
    return accepted;
  } finally {
    release();
  }

  function lock(): () => void {
    try {
      return lockEventStore(folder.events);
    } catch (error) {
      throw namingHolder(folder, error);
    }
  }
}
