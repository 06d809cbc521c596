import type { CommandAnswer, Settlement } from '@maestro/ports';
import { isUndecided } from '../commands/undecided.ts';

/** A work that three deliveries got nowhere with is not handed out a fourth time. */
export const DELIVERIES_MAX = 3;
const RETRY_DELAY_MS = 500;

/**
 * What becomes of work whose report was answered. Accepted, or refused for good (there was a report before, or the run
 * went on without it): done. Not decided on, or not understood: again, and in the end parked by name.
 */
export function settlementOf(answer: CommandAnswer, delivery: number): Settlement {
  if (answer.kind === 'ok') return { kind: 'ack' };
  const { rejection } = answer;
  if (!isUndecided(rejection) && rejection.code !== 'COMMAND_INVALID') return { kind: 'ack' };
  const isParked = delivery >= DELIVERIES_MAX && rejection.code !== 'CONFLICT_RETRIES_EXHAUSTED';
  return isParked ? { kind: 'reject', reason: `${rejection.code}: ${rejection.detail}` } : { kind: 'retry', delayMs: RETRY_DELAY_MS };
}
