import type { AnyCommand } from '@maestro/contracts';
import type { CallerMessage, CommandEnvelope } from '@maestro/ports';
import { clientCommandId } from '@maestro/runtime';
import { parseBody } from '../http/body-parser.ts';
import { problem, rejected } from '../problem/problem-error.ts';
import type { ProblemItem } from '../problem/problem-error.ts';
import type { ApiSettings } from '../settings.ts';
import type { CallerAddress } from './caller-address.ts';

/** The subject space in which a caller's own ids are unique: one user's, whatever the verb. */
const ROUTE = 'nats';
const COMMAND_ID = /^[\x21-\x7e]{1,128}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TOKEN = /^[0-9a-f]{64}$/;
/** What a caller may say of itself: nothing. Only these of our own headers come from outside. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['mc-token']);

/** Users of NATS that run work of their own packages: their actor is `role:runner`. */
export type Workers = ReadonlySet<string>;

export type CallerScope = { readonly settings: Pick<ApiSettings, 'tenant' | 'bodyBytesMax'>; readonly workers: Workers };

/** Who a user of NATS is to the conductor. */
export function actorOf({ user }: CallerAddress, workers: Workers): string {
  return workers.has(user) ? 'role:runner' : `user:${user}`;
}

/** The command id behind an id that a user chose; the same for the command and for the question what became of it. */
export function scopedCommandId({ user }: CallerAddress, tenant: string, chosen: string): string {
  return clientCommandId(tenant, `user:${user}`, ROUTE, chosen);
}

/** The JSON value of a message. Throws a ProblemError by the rules of REST. */
export function valueOf({ body }: CallerMessage, bytesMax: number): unknown {
  if (body.length > bytesMax) throw problem('BODY_TOO_LARGE', `${body.length} bytes; at most ${bytesMax}`);
  const parsed = parseBody('json', body, 0);
  if (parsed === undefined) throw problem('BODY_REQUIRED', 'the message is empty');
  return parsed.value;
}

/** A message → the command that it asks for, under the name of its subject. Throws a ProblemError. */
export function envelopeOf(address: CallerAddress, message: CallerMessage, correlationId: string, { settings, workers }: CallerScope): CommandEnvelope {
  checkHeaders(message.headers);
  const chosen = message.headers.get('commandId') ?? '';
  if (!COMMAND_ID.test(chosen)) throw problem('IDEMPOTENCY_KEY_INVALID', 'the header commandId has 1 to 128 visible ASCII characters, the same on every retry');
  const value = valueOf(message, settings.bodyBytesMax);
  const command = commandOf(address, value);
  const traceparent = message.headers.get('traceparent') ?? '';
  const workToken = message.headers.get('Mc-Token') ?? '';
  return {
    command,
    commandId: scopedCommandId(address, settings.tenant, chosen),
    tenant: settings.tenant,
    actor: actorOf(address, workers),
    correlationId,
    causationId: null,
    ...(TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    ...(TOKEN.test(workToken) ? { workToken } : {}),
  };
}

/** A header that says who sends it is a forgery: identity comes from the subject. */
function checkHeaders(headers: ReadonlyMap<string, string>): void {
  const forged = [...headers.keys()].filter((name) => name.toLowerCase().startsWith('mc-') && !OWN_HEADERS.has(name.toLowerCase()));
  if (forged.length === 0) return;
  const errors: ProblemItem[] = forged.map((name) => ({ pointer: `/headers/${name.slice(0, 100)}`, code: 'UNKNOWN_FIELD', message: 'is set by the conductor only; remove it' }));
  throw problem('REQUEST_INVALID', 'the message carries headers that only the conductor sets', { errors });
}

/** NATS permissions are about subjects: a body of another type would pass by them. Its schema is checked by the gateway. */
function commandOf({ aggregate, verb }: CallerAddress, value: unknown): AnyCommand {
  const type = (value as { readonly type?: unknown } | null)?.type;
  if (typeof type === 'string' && type.startsWith(`${aggregate}.${verb}.v`)) return value as AnyCommand;
  const detail = `the subject ends in ${aggregate}.${verb}, so the body must be a command of that type`;
  throw rejected({ code: 'COMMAND_INVALID', detail, errors: [{ pointer: '/type', code: 'SCHEMA', message: `must be ${aggregate}.${verb}.v1` }] });
}
