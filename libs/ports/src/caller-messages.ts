import type { Consumption } from './work-queue.ts';

/** A message of a caller outside, as it came over the bus. Nothing of it was looked at yet. */
export type CallerMessage = {
  /** what follows the deployment's prefix and the kind of intake: `<user>.<aggregate>.<verb>`, or whatever else was sent */
  readonly address: string;
  /** where the caller wants its answer; null: nowhere */
  readonly replyTo: string | null;
  /** names as they were written, each with its first value */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
};

/** `done`: forget it. `again`: hand it out once more, not before `delayMs`. */
export type CallerSettlement = { readonly kind: 'done' } | { readonly kind: 'again'; readonly delayMs: number };

/**
 * Messages of callers outside, where the bus lets each publish under its own name only.
 * Handlers never throw for what a message holds; one that does anyway stops that message, not the intake.
 */
export interface CallerMessages {
  /**
   * Requests that somebody waits for. One of the processes that serve gets each. The handler's bytes go to `replyTo`; null:
   * nothing is sent. More than `inFlightMax` at once are passed to `refuse`, which answers at once.
   */
  serve(handler: (message: CallerMessage) => Promise<Uint8Array | null>, refuse: (message: CallerMessage) => Uint8Array | null, o: { readonly inFlightMax: number }): Consumption;
  /** Durable messages that nobody waits for: each is handed out until it is settled as done. */
  takeIn(handler: (message: CallerMessage) => Promise<CallerSettlement>, o: { readonly inFlightMax: number }): Consumption;
}
