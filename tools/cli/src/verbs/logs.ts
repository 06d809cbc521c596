import { commandFor } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import { isAnswerError } from '../rest/answer-error.ts';
import { CliError } from '../cli-error.ts';
import { taskLog } from '../rest/execution-calls.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type LogsFlags = CommonFlags & { readonly attempt?: number | undefined };

/** Prints what an attempt of a task wrote: stdout, stderr and its own log, as the conductor sealed it when the attempt ended. */
export async function logs(executionId: string, taskId: string, flags: LogsFlags, context: VerbContext): Promise<number> {
  const { screen } = context;
  return withConductor(flags, context, async (client) => {
    const { attempt = null } = flags;
    const log = await taskLog(client, executionId, taskId, attempt).catch((error: unknown) => {
      if (!isAnswerError(error, 'LOG_NOT_FOUND')) throw error;
      throw new CliError(EXIT.usage, error.code, error.message, [commandFor(`status -e ${executionId}`, flags)], error);
    });
    if (flags.json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, executionId, taskId, attempt, log }, null, 2));
    else if (log === '') screen.note(screen.paintNote('faint', `${taskId} wrote nothing`));
    else screen.out(readable(log));
    return EXIT.ok;
  });
}

/** What tasks print is not to be trusted with a terminal: tabs and line ends stay, other control characters are shown as one. */
function readable(log: string): string {
  return log.replace(/\n$/, '').replace(/[^\P{C}\n\t]/gu, '�');
}
