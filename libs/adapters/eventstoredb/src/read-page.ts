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

/** Who waits for a page: until `left` fires, and longer when told that it is `alive`. */
export type PageCall = { readonly left: AbortSignal; readonly alive: () => void };

/**
 * Reads one page to its end, or to where `take` says that it has enough, and never leaves the call open: the client
 * would leak it. Nothing is taken after `left` has fired. What `take` throws is what the page rejects with.
 */
export function readPage(stream: unknown, { left, alive }: PageCall, take: (event: ResolvedEvent) => boolean): Promise<PageEnd> {
  const page = stream as PageStream;
  return new Promise((resolve, reject) => {
    let isOver = false;
    const stop = (): void => {
      isOver = true;
      left.removeEventListener('abort', enough);
      page.cancel().catch(() => {}); // a call that never began has nothing to cancel
      page.destroy();
    };
    const enough = (): void => {
      stop();
      resolve({ isWhole: false });
    };
    page.on('data', (event) => {
      if (isOver) return;
      alive();
      try {
        if (!take(event)) enough();
      } catch (error) {
        // thrown on, it would break the client's stream and come back as an error of the connection
        stop();
        reject(error);
      }
    });
    page.on('end', () => {
      left.removeEventListener('abort', enough);
      resolve({ isWhole: true });
    });
    // stays on after the end: without a listener a late error would end the process
    page.on('error', (error) => {
      left.removeEventListener('abort', enough);
      reject(error);
    });
    left.addEventListener('abort', enough);
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
  call: PageCall,
  take: (event: ResolvedEvent) => boolean,
): Promise<PageEnd> {
  const forward = range.direction === 'forward';
  const stream = client.readStream(name, {
    direction: forward ? 'forwards' : 'backwards',
    fromRevision: range.from ?? (forward ? 'start' : 'end'),
    maxCount: range.count,
    requiresLeader: true,
  });
  return readPage(stream, call, take);
}
