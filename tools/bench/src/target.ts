/** A run that reached its terminal event. Times are of one monotonic clock, milliseconds. */
export type EndedRun = { readonly executionId: string; readonly startedMs: number; readonly endedMs: number; readonly verdict: string };

/** `lastMs`: when the last receipt was signed; `sealMs`: from terminal event to signed receipt, where a target sees both. */
export type Sealed = { readonly lastMs: number; readonly sealMs: readonly number[] };

/** What a process used so far, or is like now. Null: cannot be read here. */
export type Usage = {
  readonly cpuMs: number | null;
  readonly rssBytes: number | null;
  readonly writtenBytes: number | null;
  /** event loop delay since it was last read, 99th percentile */
  readonly loopDelayP99Ms: number | null;
};

/** What is measured: the engine in this process, a conductor over REST, or a cluster over REST. */
export interface Target {
  readonly name: 'engine' | 'rest' | 'cluster';
  readonly says: string;
  /** makes a workflow startable */
  publish(manifest: object): Promise<void>;
  /** resolves at the terminal event */
  run(workflowId: string): Promise<EndedRun>;
  /** fetches the receipt of an ended run, waiting for it; resolves with the time at which it was there */
  receipt(executionId: string): Promise<number>;
  /** waits until every run so far has its signed receipt; answers for the runs since the last call */
  sealed(): Promise<Sealed>;
  /** whether the receipt of a run verifies */
  verifies(executionId: string): Promise<boolean>;
  usage(): Promise<Usage>;
  close(): Promise<void>;
}
