import type { Json } from '@maestro/domain';
import type { Cursor } from './event-store.ts';
import { Fault } from './fault.ts';

/** One remembered thing of a process (an open intent, a timer, a quarantined stream). */
export type ProcessRow = { readonly key: string; readonly value: Json };

/** `expected`: where the cursor has to stand; another place is the fault STATE_MOVED, and nothing is written. Absent: anywhere. */
export type ApplyOptions = { readonly expected?: Cursor | null };

/**
 * What the long-lived loops remember between starts: how far they folded, and what is still open.
 * `apply` is one transaction: the cursor never says more than the rows show. Durability may lag (the rows are
 * folded again from the cursor); atomicity may not.
 * Several processes may share one state, each name written by one of them at a time: `expected` is how a writer that was
 * replaced without knowing it is kept from writing over its successor.
 * Faults: STORE_CLOSED, STORE_READ_ONLY, STORE_NEWER, STATE_MOVED.
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
    o?: ApplyOptions,
  ): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** For adapters, inside the transaction that writes. `what` names the rows. Fault: STATE_MOVED. */
export function assertUnmoved(what: string, expected: Cursor | null | undefined, actual: Cursor | null): void {
  if (expected === undefined || expected === actual) return;
  throw new Fault('STATE_MOVED', `${what} stands at ${actual ?? 'the start'}, not at ${expected ?? 'the start'}: another process has written it; read it again and go on from there`, { retryable: true });
}
