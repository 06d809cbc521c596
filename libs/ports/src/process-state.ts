import type { Json } from '@maestro/domain';
import type { Cursor } from './event-store.ts';

/** One remembered thing of a process (an open intent, a timer, a quarantined stream). */
export type ProcessRow = { readonly key: string; readonly value: Json };

/**
 * What the long-lived loops remember between starts: how far they folded, and what is still open.
 * `apply` is one transaction: the cursor never says more than the rows show. Durability may lag (the rows are
 * folded again from the cursor); atomicity may not.
 * Faults: STORE_CLOSED, STORE_READ_ONLY, STORE_NEWER.
 */
export interface ProcessState {
  /** An unknown name answers no cursor and no rows. Rows come in key order. */
  load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }>;
  /** Upserts, then deletes, then moves the cursor (null leaves it). Deleting an unknown key is nothing. */
  apply(
    name: string,
    cursor: Cursor | null,
    upserts: readonly ProcessRow[],
    deletes: readonly string[],
  ): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}
