/** One event as a client proposes it. */
export type Proposed = {
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
};
export type Placed = Proposed & { readonly stream: string; readonly revision: bigint };
/** One event of the log. `position` is its byte offset: sparse, ascending, commit and prepare at once. */
export type LogRecord = Placed & {
  readonly createdMs: number;
  readonly position: bigint;
  /** position of the first event of its commit: what reads of a stream give as the prepare position */
  readonly transaction: bigint;
};
/** Dense from 0; a tombstone, if any, is apart. */
export type LogStream = { readonly records: LogRecord[]; tombstone: LogRecord | undefined };

/** What rules about streams look at. */
export interface LogView {
  stream(name: string): LogStream | undefined;
  /** -1: the stream was never written */
  lastRevision(name: string): bigint;
  /** the latest events by id */
  readonly recent: ReadonlyMap<string, LogRecord>;
}
