import type { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import type { AnswerError } from '../rest/answer-error.ts';
import { printable } from '../screen.ts';
import type { Paint } from '../screen.ts';

/** Code, detail, every problem with its place, then what to try next. `file` is what line and column are of. */
export function renderAnswer(error: AnswerError, paint: Paint, file?: string): string {
  const lines = error.errors.map(({ pointer, code, message, line, column }) => {
    const place = line === undefined || column === undefined ? '' : `${file ?? ''}:${line}:${column}  `;
    const where = printable(`${place}${pointer === '' ? '(the whole document)' : pointer}`);
    return `  ${where}  ${paint('attention', printable(code))}  ${printable(message)}`;
  });
  if (error.errorsOmitted > 0) lines.push(`  and ${error.errorsOmitted} more`);
  return [`${paint('bad', printable(error.code))}: ${printable(error.message)}`, ...lines, ...nextLines(nextAfter(error))].join(
    '\n',
  );
}

/** What a verb foresaw, in the same form. */
export function renderCliError({ code, message, next }: CliError, paint: Paint): string {
  return [`${paint('bad', code)}: ${printable(message)}`, ...nextLines(next)].join('\n');
}

function nextLines(next: readonly string[]): string[] {
  return next.map((step) => `  next: ${step}`);
}

const NEXT: Readonly<Record<string, readonly string[]>> = {
  MANIFEST_INVALID: ['correct the places above and run the same command again'],
  VERSION_CONFLICT: ['raise `version` in the manifest and run the same command again; a published version never changes'],
  PUBLISH_PENDING: ['run the same command again in a moment'],
  EXECUTION_NOT_FOUND: [`check the id, and --data or --url: a run is known only to the conductor that ran it`],
  WORKFLOW_NOT_FOUND: [`${PROGRAM} run -m <manifest> publishes and runs it`],
  WORKFLOW_NOT_PUBLISHED: [`${PROGRAM} publish -m <manifest>`],
  EXECUTION_ENDED: [`${PROGRAM} status -e <executionId> shows how it ended`, `${PROGRAM} resume <executionId> goes on from where it failed`],
  EXECUTION_RUNNING: [`${PROGRAM} status -e <executionId> follows it`, `${PROGRAM} cancel <executionId> ends it`],
  NO_CANDIDATE: [`${PROGRAM} publish -m <manifest> with a higher version makes one`],
  NO_EARLIER_VERSION: [`${PROGRAM} publish -m <manifest> with a higher version`],
  UNAUTHENTICATED: ['set MAESTRO_TOKEN to the token of that conductor (<data>/token); with --data it is found there'],
  RUN_NOT_FINISHED: [`${PROGRAM} status -e <executionId> follows the run to its end`],
};

function nextAfter({ code, status }: AnswerError): readonly string[] {
  const known = NEXT[code];
  if (known !== undefined) return known;
  if (status === 503 || status === 429) return ['run the same command again in a moment'];
  return status >= 500 ? ['look at the end of conductor.log in the data folder'] : [];
}

/** Exit code of a refusal: the caller's mistake, policy, or a conductor that cannot serve. */
export function exitCodeOfAnswer({ status, code }: AnswerError): number {
  if (code === 'POLICY_DENIED') return EXIT.denied;
  if (status === 503 || status === 429) return EXIT.noConductor;
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.unexpected;
}
