import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RestClient } from '../rest/client.ts';
import { collectSet } from './collect-set.ts';
import type { CollectedSet } from './collect-set.ts';
import { writeSet } from './write-set.ts';

export type ExportedRun = CollectedSet & { readonly folder: string; readonly outcome: 'written' | 'kept' };

/** Fetches the set of an ended run and writes it to a folder. */
export async function exportRun(client: RestClient, executionId: string, folder: string): Promise<ExportedRun> {
  const set = await collectSet(client, executionId);
  return { ...set, folder, outcome: await writeSet(folder, set.files) };
}

/** Gives the set of a run as a folder that lives as long as `use` runs. */
export async function withExportedRun<T>(
  client: RestClient,
  executionId: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const parent = await mkdtemp(join(tmpdir(), 'maestro-set-'));
  try {
    return await use((await exportRun(client, executionId, join(parent, 'set'))).folder);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}
