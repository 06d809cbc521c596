import { isCliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { exitCodeOfAnswer, renderAnswer, renderCliError } from './report/problems.ts';
import { isAnswerError } from './rest/answer-error.ts';
import { printable } from './screen.ts';
import type { Screen } from './screen.ts';

/** What a failure comes to, for people and for machines. */
type Told = { readonly exitCode: number; readonly text: string; readonly document: object };

/** Tells why a verb ended early: on standard error, with `--json` as a document on standard output too. Its exit code. */
export function tellFailure(error: unknown, args: readonly string[], screen: Screen): number {
  const { exitCode, text, document } = toldOf(error, args, screen);
  screen.note(text);
  if (args.includes('--json')) screen.out(JSON.stringify({ ok: false, exitCode, error: document }, null, 2));
  return exitCode;
}

/** A wrong command line, which has been told in words already; its exit code. */
export function tellUsage({ message }: Error, args: readonly string[], screen: Screen): number {
  const error = { code: 'USAGE_INVALID', detail: message.replace(/^error: /, '') };
  if (args.includes('--json')) screen.out(JSON.stringify({ ok: false, exitCode: EXIT.usage, error }, null, 2));
  return EXIT.usage;
}

function toldOf(error: unknown, args: readonly string[], { paintNote }: Screen): Told {
  if (isCliError(error)) {
    const { code, message, exitCode, next } = error;
    return { exitCode, text: renderCliError(error, paintNote), document: { code, detail: message, next } };
  }
  if (isAnswerError(error)) {
    const { code, message, errors } = error;
    return {
      exitCode: exitCodeOfAnswer(error),
      text: renderAnswer(error, paintNote, manifestIn(args)),
      document: { code, detail: message, errors },
    };
  }
  return unforeseen(error, paintNote);
}

/** Faults of ports and refusals of the verifier are coded; anything else is a bug, told in one line. */
function unforeseen(error: unknown, paint: Screen['paintNote']): Told {
  const { name, code, message = String(error), exitCode } = (error ?? {}) as { readonly [key: string]: unknown };
  const detail = printable(String(message));
  if (name === 'VerifyError' && typeof exitCode === 'number')
    return { exitCode, text: `${paint('bad', String(code))}: ${detail}`, document: { code, detail } };
  if (name === 'Fault') return { exitCode: EXIT.unexpected, text: paint('bad', detail), document: { code, detail } };
  return {
    exitCode: EXIT.unexpected,
    text: `${paint('bad', 'UNEXPECTED')}: ${detail}`,
    document: { code: 'UNEXPECTED', detail },
  };
}

/** The manifest as it was given, for the places of its problems. */
function manifestIn(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '-m' || arg === '--manifest');
  return at === -1 ? undefined : args[at + 1];
}
