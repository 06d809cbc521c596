import { CallFailure } from './call-failure.ts';

/** Why nobody waits any more; the default reason would be an error with a stack for every call. */
const OVER = 'the call is over';

/** Bounds of one call: own time, and signals that end it early. */
export type CallLimit = {
  readonly timeoutMs: number;
  /** the same for a time in which nothing came; the call says that something came by `alive` */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
  /** fires when the store is closed */
  readonly closing: AbortSignal;
};

/**
 * Runs a call for at most its time, whatever the client does: some of its calls ignore their deadline, some never
 * settle. The call gets a signal that fires when nobody waits for it any more. Rejects with a CallFailure of kind
 * `timed-out`, `aborted` or `closed`; what the call itself does later is nobody's concern.
 */
export async function within<T>(limit: CallLimit, call: (left: AbortSignal, alive: () => void) => Promise<T>): Promise<T> {
  const left = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const late = (afterMs: number): NodeJS.Timeout => {
    const error = new Error(`no answer within ${Math.round(afterMs)} ms`);
    return setTimeout(() => reject(new CallFailure('timed-out', error)), afterMs);
  };
  const timers = [late(limit.timeoutMs), late(limit.idleMs)] as const;
  const onAbort = (): void => reject(new CallFailure('aborted', limit.signal?.reason));
  const onClose = (): void => reject(new CallFailure('closed', new Error('the store was closed')));
  limit.signal?.addEventListener('abort', onAbort);
  limit.closing.addEventListener('abort', onClose);
  if (limit.signal?.aborted === true) onAbort();
  if (limit.closing.aborted) onClose();
  over.catch(() => {}); // it may fire when the call has settled already
  try {
    const work = call(left.signal, () => void timers[1].refresh());
    work.catch(() => {}); // it may reject when nobody waits any more
    return await Promise.race([work, over]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    limit.signal?.removeEventListener('abort', onAbort);
    limit.closing.removeEventListener('abort', onClose);
    left.abort(OVER);
  }
}

/** Waits, but not longer than until one of the signals fires. */
export function pause(delayMs: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    for (const signal of signals) {
      signal?.addEventListener('abort', done);
      if (signal?.aborted === true) done();
    }
  });
}
