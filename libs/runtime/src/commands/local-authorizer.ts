import type { Authorizer } from '@maestro/ports';

/** Who may do what where there is no login: the one principal `user:local` everything, everybody else nothing. */
export const localAuthorizer: Authorizer = {
  async authorize({ actor }) {
    return actor === 'user:local' ? { kind: 'allowed' } : { kind: 'forbidden', reason: 'this conductor knows no principal but user:local' };
  },
};
