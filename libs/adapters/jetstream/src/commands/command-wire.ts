import type { AnyCommand } from '@maestro/contracts';
import { reject } from '@maestro/domain';
import type { Json, Rejection } from '@maestro/domain';
import { Fault, isFault } from '@maestro/ports';
import type { CommandAnswer, CommandEnvelope, FaultCode } from '@maestro/ports';
import { headers } from '@nats-io/transport-node';
import type { MsgHdrs } from '@nats-io/transport-node';

/** Where the answer of a command goes: a request on a stream's subject would get the broker's acknowledgement only. */
export const REPLY_HEADER = 'Mc-Reply-To';

/** `<aggregate>` and `<verb>` of a command's subject. */
export function verbOf({ type }: AnyCommand): readonly [aggregate: string, verb: string] {
  const [aggregate = '', verb = ''] = type.split('.');
  return [aggregate, verb];
}

/** Everything of an envelope but its command, which is the body. */
export function headersOf({ commandId, tenant, actor, correlationId, causationId, traceparent, workToken }: CommandEnvelope, replyTo: string): MsgHdrs {
  const made = headers();
  made.set('commandId', commandId);
  made.set('Mc-Actor', actor);
  made.set('Mc-Tenant', tenant);
  made.set('Mc-Correlation', correlationId);
  if (causationId !== null) made.set('Mc-Causation', causationId);
  if (workToken !== undefined) made.set('Mc-Token', workToken);
  if (traceparent !== undefined) made.set('traceparent', traceparent);
  made.set(REPLY_HEADER, replyTo);
  return made;
}

/**
 * The command of a message; a refusal for what is none. The type has to fit the subject, since it is the subject that NATS
 * lets a role publish to. The schema is the gateway's to check.
 */
export function envelopeOf(subject: string, data: Uint8Array, given: MsgHdrs | undefined): CommandEnvelope | Rejection {
  const [aggregate = '', verb = ''] = subject.split('.').slice(-2);
  let command: AnyCommand;
  try {
    command = JSON.parse(Buffer.from(data).toString()) as AnyCommand;
  } catch {
    return reject('COMMAND_INVALID', 'the body is no JSON').rejection;
  }
  const type: unknown = (command as { type?: unknown } | null)?.type;
  if (typeof type !== 'string' || !type.startsWith(`${aggregate}.${verb}.v`)) return reject('COMMAND_INVALID', `the subject ends in ${aggregate}.${verb}: the body must be a command of that type`).rejection;
  const header = (name: string): string => given?.get(name) ?? '';
  const [commandId, traceparent, workToken, causationId] = [header('commandId'), header('traceparent'), header('Mc-Token'), header('Mc-Causation')];
  if (!/^[0-9a-f]{64}$/.test(commandId)) return reject('COMMAND_INVALID', 'the header commandId is 64 hex digits').rejection;
  return {
    command,
    commandId,
    tenant: header('Mc-Tenant'),
    actor: header('Mc-Actor'),
    correlationId: header('Mc-Correlation'),
    causationId: causationId === '' ? null : causationId,
    ...(traceparent !== '' && { traceparent }),
    ...(workToken !== '' && { workToken }),
  };
}

type Told =
  | { readonly ok: true; readonly commandId: string; readonly position: string; readonly result: { readonly [key: string]: Json } }
  | { readonly ok: false; readonly commandId: string; readonly rejection: Rejection }
  | { readonly ok: false; readonly commandId: string; readonly fault: { readonly code: FaultCode; readonly detail: string; readonly retryable: boolean } };

/** An answer, or the fault that the handler met, as bytes. */
export function answerBytes(commandId: string, answer: CommandAnswer | Fault): Uint8Array {
  const told: Told = isFault(answer)
    ? { ok: false, commandId, fault: { code: answer.code, detail: answer.message.slice(answer.code.length + 2), retryable: answer.retryable } }
    : answer.kind === 'ok'
      ? { ok: true, commandId, position: answer.position, result: answer.result }
      : { ok: false, commandId, rejection: answer.rejection };
  return Buffer.from(JSON.stringify(told));
}

/** What `answerBytes` made; a fault is answered, not thrown. */
export function answerOf(bytes: Uint8Array): CommandAnswer | Fault {
  const told = JSON.parse(Buffer.from(bytes).toString()) as Told;
  if (told.ok) return { kind: 'ok', position: told.position, result: told.result };
  if ('rejection' in told) return { kind: 'refused', rejection: told.rejection };
  return new Fault(told.fault.code, told.fault.detail, { retryable: told.fault.retryable });
}
