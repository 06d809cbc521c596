import type { Authorizer } from '@maestro/ports';

/**
 * Lets the listed actors send what they like, and nobody else anything: for deployments whose edges know their users. Which
 * commands one of them may send is narrowed at the edge, over NATS by permissions on subjects.
 */
export function listedAuthorizer(actors: ReadonlySet<string>): Authorizer {
  return {
    async authorize({ actor }) {
      return actors.has(actor) ? { kind: 'allowed' } : { kind: 'forbidden', reason: 'this deployment does not know it: name NATS users that may send commands in nats.callers' };
    },
  };
}
