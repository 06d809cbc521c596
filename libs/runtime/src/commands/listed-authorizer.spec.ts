import type { AuthorizationRequest } from '@maestro/ports';
import { listedAuthorizer } from './listed-authorizer.ts';

const asked = (actor: string): AuthorizationRequest => ({ tenant: 'default', actor, command: 'execution.start.v1', subject: null });

describe('the authorizer of listed actors', () => {
  const authorizer = listedAuthorizer(new Set(['user:local', 'user:alice']));
  it.each(['user:local', 'user:alice'])('lets %s through', async (actor) => expect(await authorizer.authorize(asked(actor))).toEqual({ kind: 'allowed' }));
  it.each(['user:bob', 'user:', 'alice', 'service:alice', 'user:alice2', '__proto__'])('keeps %s out', async (actor) => expect(await authorizer.authorize(asked(actor))).toMatchObject({ kind: 'forbidden' }));
});
