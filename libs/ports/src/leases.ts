/** What a member of a group sees. `held`: its own names; `free`: names that nobody holds. */
export type LeaseBoard = { readonly members: number; readonly held: readonly string[]; readonly free: readonly string[] };

/** Processes that divide names among them. `ttlMs`: how long a member that says nothing keeps its names. */
export type LeaseGroup = { readonly group: string; readonly owner: string; readonly names: readonly string[]; readonly ttlMs: number };

/**
 * Who does what, of processes that share one state. By the clock of the store that keeps them, so that no process's own
 * clock matters. A lease is a division of work and no lock: a holder that was replaced may not know it yet, so what it
 * writes is guarded by expected cursors and revisions.
 * Faults pass, all of them retryable or final as the adapter says.
 */
export interface Leases {
  /** Says that the owner lives, prolongs what it holds, and looks. */
  beat(group: LeaseGroup): Promise<LeaseBoard>;
  /** Takes a name that is free or its own already; false: another one has it. */
  take(group: LeaseGroup, name: string): Promise<boolean>;
  /** Gives back names that it holds; the others are passed over. */
  release(group: LeaseGroup, names: readonly string[]): Promise<void>;
  /** Gives back everything of the group, and is a member no more. */
  leave(group: LeaseGroup): Promise<void>;
}
