import type { AnyCommand } from '@maestro/contracts';
import type { Json, Rejection } from '@maestro/domain';
import type { Cursor } from './event-store.ts';

/** A command on its way to the aggregate that it is for. */
export type CommandEnvelope = {
  readonly command: AnyCommand;
  /** 64 hex: hash of [tenant, principal, route, key] for clients, of [intent id, verb] inside; the same on every retry */
  readonly commandId: string;
  readonly tenant: string;
  /** `user:…`, `service:…` or `role:…`: who asks, never taken from the body */
  readonly actor: string;
  readonly correlationId: string;
  /** id of the event that led to this command; null: it came from outside */
  readonly causationId: string | null;
  /** W3C trace context of who sends it: passed on, never decided on */
  readonly traceparent?: string;
  /** of runners and the policy role: the token that came with the work that this reports on */
  readonly workToken?: string;
};

/**
 * `ok`: accepted, stored and durable, or found stored already. `position`: pass it to a query to read what was written.
 * `result` names what was made (`executionId`, `version`, …).
 */
export type CommandAnswer =
  | { readonly kind: 'ok'; readonly position: Cursor; readonly result: { readonly [key: string]: Json } }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

/**
 * The one way to change anything: in process, or over NATS to the owner of the partition.
 * Idempotent by commandId: the second time appends nothing and answers as the first.
 * Faults of the store pass through (STORE_READ_ONLY, STORE_OUTCOME_UNKNOWN, …): send the same envelope again.
 */
export interface CommandGateway {
  send(envelope: CommandEnvelope): Promise<CommandAnswer>;
}
