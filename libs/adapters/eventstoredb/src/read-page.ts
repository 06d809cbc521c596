import type { EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client';

/** What the client's read streams and subscriptions are, as far as this adapter uses them. */
type PageStream = {
  on(event: 'data', take: (event: ResolvedEvent) => void): unknown;
  on(event: 'end', done: () => void): unknown;
  on(event: 'error', failed: (error: unknown) => void): unknown;
  cancel(): Promise<void>;
  destroy(): unknown;
};

/** What was read of one page: `isWhole` when the server had no more, else somebody had enough. */
export type PageEnd = { readonly isWhole: boolean };

/**
 * Reads one page to its end, or to where `take` says that it has enough, and never leaves the call open: the client
 * would leak it. Nothing is taken after `left` has fired.
 */
export function readPage(stream: unknown, left: AbortSignal, take: (event: ResolvedEvent) => boolean): Promise<PageEnd> {
  const page = stream as PageStream;
  return new Promise((resolve, reject) => {
    const stop = (end: PageEnd): void => {
      left.removeEventListener('abort', onLeft);
      page.cancel().catch(() => {}); // a call that never began has nothing to cancel
      page.destroy();
      resolve(end);
    };
    const onLeft = (): void => stop({ isWhole: false });
    let isOver = false;
    page.on('data', (event) => {
      if (isOver || take(event)) return;
      isOver = true;
      stop({ isWhole: false });
    });
    page.on('end', () => {
      left.removeEventListener('abort', onLeft);
      resolve({ isWhole: true });
    });
    // stays on after the end: without a listener a late error would end the process
    page.on('error', (error) => {
      left.removeEventListener('abort', onLeft);
      reject(error);
    });
    left.addEventListener('abort', onLeft);
  });
}

export type StreamRange = {
  /** undefined: from the start forward, from the end backward */
  readonly from?: bigint | undefined;
  readonly direction: 'forward' | 'backward';
  readonly count: number;
};

/** One page of a stream, read at the leader. Errors come by the client: a missing stream is one of them. */
export function readStreamPage(
  client: EventStoreDBClient,
  name: string,
  range: StreamRange,
  left: AbortSignal,
  take: (event: ResolvedEvent) => boolean,
): Promise<PageEnd> {
  const forward = range.direction === 'forward';
  const stream = client.readStream(name, {
    direction: forward ? 'forwards' : 'backwards',
    fromRevision: range.from ?? (forward ? 'start' : 'end'),
    maxCount: range.count,
    requiresLeader: true,
  });
  return readPage(stream, left, take);
}
