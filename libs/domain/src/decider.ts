import type { AnyEvent } from '@maestro/contracts';
import type { Rejection } from './rejection.ts';

/** An event as it was stored: what happened, where it stands, who caused it. `hash` chains the next event. */
export type Recorded<E extends AnyEvent = AnyEvent> = {
  readonly event: E;
  readonly id: string;
  readonly tenant: string;
  readonly stream: string;
  readonly revision: number;
  /** RFC 3339, UTC, milliseconds */
  readonly at: string;
  readonly commandId: string;
  readonly causationId: string;
  readonly correlationId: string;
  readonly actor: string;
  readonly prev: string;
  readonly hash: string;
};

/** What a decider answers: events to append (none: nothing changed, answer from the state), or a refusal. */
export type Decision<E extends AnyEvent> =
  | { readonly kind: 'accepted'; readonly events: readonly E[] }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

/**
 * One aggregate. `decide` is synchronous and total: time, ids and resolved references arrive in the command.
 * `evolve` never refuses. It may reuse the state that it is given: callers keep the returned one only.
 */
export type Decider<State, Command, E extends AnyEvent> = {
  readonly initial: () => State;
  readonly evolve: (state: State, recorded: Recorded<E>) => State;
  readonly decide: (state: State, command: Command) => Decision<E>;
};

export function accept<E extends AnyEvent>(...events: readonly E[]): Decision<E> {
  return { kind: 'accepted', events };
}

/** A case that types exclude was reached: a bug, never a user's fault. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
