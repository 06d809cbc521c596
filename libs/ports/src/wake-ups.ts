import type { Consumption } from './work-queue.ts';

/** A moment that somebody waits for. `lane`: who waits; `key`: what for, an id and no value; each 1 to 256 characters. `dueAt`: RFC 3339. */
export type WakeUp = { readonly lane: string; readonly key: string; readonly dueAt: string };

/**
 * Wake-ups that outlive the process that asked for them. Each is a hint: it comes at least once, never before it is due by
 * the clock of whoever keeps it, and who is woken looks for itself whether there is something to do.
 * Faults: NATS_UNAVAILABLE (retryable).
 */
export interface WakeUps {
  /** One per lane and key: a later one replaces it. */
  set(wakeUp: WakeUp): Promise<void>;
  /** A key that is not known is nothing. */
  cancel(of: Pick<WakeUp, 'lane' | 'key'>): Promise<void>;
  /** One of those that follow a lane gets each of its keys. What the handler throws lets it come again. */
  follow(lane: string, handler: (key: string) => Promise<void>): Consumption;
}
