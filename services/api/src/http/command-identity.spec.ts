import { seededEntropy } from '@maestro/adapter-memory';
import { API_DEFAULTS } from '../settings.ts';
import type { ApiSettings } from '../settings.ts';
import { identify } from './command-identity.ts';
import type { CommandIdentity } from './command-identity.ts';
import type { HttpReply, HttpRequest } from './exchange.ts';

const settings = { ...API_DEFAULTS, tenant: 'default', principal: 'user:local' } as ApiSettings;
const CONTEXT = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

function identified(headers: Readonly<Record<string, string>>): CommandIdentity {
  const request = { id: 'request-1', headers } as unknown as HttpRequest;
  const reply = { header: () => reply } as unknown as HttpReply;
  return identify(request, reply, 'POST /api/executions', { settings, entropy: seededEntropy('identity') });
}

describe('the identity of a command over REST', () => {
  it('goes on with the trace of its caller', () => {
    expect(identified({ traceparent: CONTEXT })).toMatchObject({ traceparent: CONTEXT, correlationId: 'request-1' });
  });

  it.each([{}, { traceparent: '' }, { traceparent: 'nonsense' }, { traceparent: `${CONTEXT}, ${CONTEXT}` }, { traceparent: CONTEXT.replace('cd'.repeat(8), '0'.repeat(16)) }])('has no trace with %j', (headers) => {
    expect(identified(headers)).not.toHaveProperty('traceparent');
  });

  it('is the same command with and without a trace', () => {
    const key = { 'idempotency-key': 'mine' };
    expect(identified({ ...key, traceparent: CONTEXT }).commandId).toBe(identified(key).commandId);
  });
});
