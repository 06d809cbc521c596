import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Member } from './member.ts';

/** What is kept of a local cluster in its folder: everything that is needed to find, end and start its processes again. */
export type ClusterRecord = { readonly version: 1; readonly store: 'eventstoredb' | 'jetstream'; readonly members: readonly Member[] };

const FILE = 'cluster.json';

/** Undefined: no cluster was made there. */
export function readRecord(folder: string): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as ClusterRecord;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all; it holds secrets of the servers. */
export function writeRecord(folder: string, record: ClusterRecord): void {
  const path = join(folder, FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
