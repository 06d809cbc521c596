import type { Json, Rejection } from '@maestro/domain';
import { reject } from '@maestro/domain';
import type { CommandAnswer, CommandEnvelope } from '@maestro/ports';
import type { Outcome } from './aggregate.ts';

/** Turns an outcome into the answer that a sender gets; the same for the first handling and for every repeat. */
export function answerOf<S>(outcome: Outcome<S>, fallbackCursor: string | null, result: { readonly [key: string]: Json }): CommandAnswer {
  if (outcome.kind === 'refused') return outcome;
  return { kind: 'ok', position: outcome.cursor ?? fallbackCursor ?? '', result };
}

/** The id was used for another command: verb, target or body differ. */
export function reusedId({ commandId }: CommandEnvelope): { readonly kind: 'refused'; readonly rejection: Rejection } {
  return reject('COMMAND_ID_REUSED', `command ${commandId} was used before for something else: choose another Idempotency-Key`);
}
