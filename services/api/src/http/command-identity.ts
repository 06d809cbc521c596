import { traceContextOf } from '@maestro/domain';
import type { CommandEnvelope } from '@maestro/ports';
import { clientCommandId } from '@maestro/runtime';
import type { ApiDependencies } from '../api-dependencies.ts';
import { problem } from '../problem/problem-error.ts';
import { headerOf } from './exchange.ts';
import type { HttpReply, HttpRequest } from './exchange.ts';

/** Who asks, and under which command id: the same on every retry with the same Idempotency-Key. */
export type CommandIdentity = Omit<CommandEnvelope, 'command'>;

/** 1–128 visible ASCII characters. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;
const FRESH_KEY_BYTES = 32;

/**
 * Names the command that a request asks for, and says so in `Maestro-Command-Id`. `route` is method and path with the
 * ids in their one spelling: the same key on two runs or two workflows is two commands.
 */
export function identify(
  request: HttpRequest,
  reply: HttpReply,
  route: string,
  { settings, entropy }: Pick<ApiDependencies, 'settings' | 'entropy'>,
): CommandIdentity {
  const given = headerOf(request, 'idempotency-key');
  if (given !== undefined && !IDEMPOTENCY_KEY.test(given)) {
    throw problem('IDEMPOTENCY_KEY_INVALID', 'an Idempotency-Key has 1 to 128 visible ASCII characters');
  }
  const key = given ?? Buffer.from(entropy.bytes(FRESH_KEY_BYTES)).toString('hex');
  const { tenant, principal } = settings;
  const commandId = clientCommandId(tenant, principal, route, key);
  reply.header('Maestro-Command-Id', commandId);
  // anything else than a W3C traceparent is no context, and nobody is told
  const traceparent = traceContextOf(headerOf(request, 'traceparent') ?? '');
  return { commandId, tenant, actor: principal, correlationId: request.id, causationId: null, ...(traceparent === undefined ? {} : { traceparent }) };
}
