import type { CommandType } from '@maestro/contracts';

/** Who asks for what. `actor`: `user:…` or `service:…`, as the edge established it; never taken from a body. */
export type AuthorizationRequest = {
  readonly tenant: string;
  readonly actor: string;
  readonly command: CommandType;
  /** id of the run or workflow that the command is about; null: it makes a new one */
  readonly subject: string | null;
};

/** `reason`: public, told to the caller and kept for the audit. */
export type Authorization = { readonly kind: 'allowed' } | { readonly kind: 'forbidden'; readonly reason: string };

/**
 * Says whether a client may send a command; asked for each one before it is routed, at every repeat again. It never sees
 * values. Whatever it throws lets nothing through. Commands of the conductor's own roles are not asked about: they have a
 * fixed table.
 */
export interface Authorizer {
  authorize(request: AuthorizationRequest): Promise<Authorization>;
}
