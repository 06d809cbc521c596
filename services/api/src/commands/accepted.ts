import type { CommandAnswer } from '@maestro/ports';
import { rejected } from '../problem/problem-error.ts';

/** The accepted answer of a command, or its refusal thrown as a problem. */
export function accepted(answer: CommandAnswer): Extract<CommandAnswer, { kind: 'ok' }> {
  if (answer.kind === 'ok') return answer;
  throw rejected(answer.rejection);
}
