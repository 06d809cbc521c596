import { Fault, isFault } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';
import { faultOf, outcomeOf } from './call-outcome.ts';

/** How long one call may take in all, and who may end it. */
export type Patience = { readonly untilMs: number; readonly signal: AbortSignal };

/** A cluster elects a leader in 4 to 9 s: a call that gives up earlier fails where waiting would have helped. */
export const PATIENCE_MS = 15_000;
const OWN_MS = 2_000;
const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 500;

export function patience(timeoutMs: number, signal: AbortSignal): Patience {
  return { untilMs: performance.now() + timeoutMs, signal };
}

/** Time enough for one answer, also at the end of a longer wait. */
export const ownTime = (p: Patience): Patience => patience(Math.max(OWN_MS, leftMs(p)), p.signal);

/** Whole milliseconds. */
export const leftMs = ({ untilMs }: Patience): number => Math.max(0, Math.ceil(untilMs - performance.now()));

/** Waits before try number `tries`, longer each time and never as long as another caller. */
export async function pauseBeforeTry(tries: number, p: Patience): Promise<void> {
  const topMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(tries, 10));
  await pause(Math.min(leftMs(p), topMs * (0.5 + Math.random() / 2)), p.signal);
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/**
 * Repeats a call that changes nothing until it is answered. Faults: ABORTED, STORE_UNAVAILABLE (retryable: nobody answered in
 * time), and those that no further try mends.
 */
export async function persist<T>(link: NatsLink, what: string, p: Patience, attempt: () => Promise<T>): Promise<T> {
  let last: unknown;
  for (let tries = 0; ; tries += 1) {
    if (tries > 0) await pauseBeforeTry(tries, p);
    await waitForConnection(link, p);
    if (p.signal.aborted) throw new Fault('ABORTED', `${what}: the signal fired`);
    if (link.connection.isClosed()) throw new Fault('STORE_CLOSED', `${what}: the connection to NATS was closed`);
    if (tries > 0 && leftMs(p) === 0) throw faultOf(last, `${what}: nobody answered in time`);
    try {
      return await link.watch.race(attempt());
    } catch (error) {
      if (isFault(error)) throw error;
      const outcome = outcomeOf(error);
      if (outcome !== 'unknown' && outcome !== 'nothing') throw faultOf(error, what);
      last = error;
    }
  }
}

/** Returns when the connection is there, or the time is over, or the signal fired. */
export async function waitForConnection(link: NatsLink, p: Patience): Promise<void> {
  if (link.watch.isUp) return;
  const over = AbortSignal.any([p.signal, AbortSignal.timeout(leftMs(p))]);
  await link.watch.up(over);
}
