/** Roles that a process may have; `./maestro up` without a list has them all. */
export const ROLES = ['api', 'command', 'policy', 'runner', 'projector', 'receipt'] as const;
export type RoleName = (typeof ROLES)[number];

/** What of a cluster a role reaches over the network or the disk. */
export const ENGINES = ['nats', 'store', 'postgres', 'evidence', 'vault', 'signing-key', 'key-registry'] as const;
export type EngineName = (typeof ENGINES)[number];

/**
 * Which engines each role may touch, and no other: the table of docs/architecture.md. A process opens the union of its
 * roles' rows and is asked for no other settings, so a runner's host needs neither the event store's address nor a key.
 */
export const ENGINES_OF: { readonly [R in RoleName]: readonly EngineName[] } = {
  // the store, process state and evidence to read; the vault to open values, never to make or destroy keys
  api: ['nats', 'store', 'postgres', 'evidence', 'vault', 'key-registry'],
  // evidence holds sealed values that are too large for their event
  command: ['nats', 'store', 'postgres', 'evidence', 'vault'],
  policy: ['nats'],
  runner: ['nats'],
  projector: ['store', 'postgres'],
  receipt: ['store', 'postgres', 'evidence', 'signing-key', 'key-registry'],
};

/** Engines of a process with these roles, in the order in which they are opened. */
export function enginesOf(roles: readonly RoleName[]): ReadonlySet<EngineName> {
  return new Set(ENGINES.filter((engine) => roles.some((role) => ENGINES_OF[role].includes(engine))));
}
