import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RECEIPT_FILES, assembleSet, digestOf, openHistory, readEvent, sha256 } from '@maestro/receipt';

/** Name of the file that holds the rebuilt Statement: what a bundle signs. */
export const STATEMENT_FILE = 'statement.json';

/** What a process that rebuilds says of itself, so that a test knows that its surroundings were other ones. */
export type Surroundings = { readonly year: number; readonly timeZone: string; readonly locale: string };

/**
 * Makes `receipt.json` and the Statement again from `events.jsonl` and `manifest.json` of one folder, and writes them into
 * another. Throws where an event cannot be read, or the manifest is not the one that the run was pinned to.
 */
export async function rebuildReceipt(from: string, to: string): Promise<void> {
  const jsonl = await readFile(join(from, RECEIPT_FILES.events));
  const manifest = await readFile(join(from, RECEIPT_FILES.manifest));
  const events = openHistory(jsonl).lines.map(({ stored, hash, problem }) => {
    if (stored === undefined) throw new Error(problem);
    const read = readEvent(stored, hash);
    if (read.kind !== 'read') throw new Error(read.detail);
    return read.recorded;
  });
  const { receipt, receiptJson, statement } = assembleSet(events, { jsonl });
  if (receipt.digests.manifest !== digestOf(sha256(manifest))) throw new Error('the manifest is not the one that the run was pinned to');
  await writeFile(join(to, RECEIPT_FILES.receipt), receiptJson);
  await writeFile(join(to, STATEMENT_FILE), statement);
}

/** Reads clock, time zone and locale as any code of this process would. */
export function surroundings(): Surroundings {
  const { timeZone, locale } = new Intl.DateTimeFormat().resolvedOptions();
  return { year: new Date().getUTCFullYear(), timeZone, locale };
}
