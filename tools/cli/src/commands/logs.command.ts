import { InvalidArgumentError, Option } from 'commander';
import type { LogsFlags } from '../verbs/logs.ts';
import { addVerb, executionArgument, reaching } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Print what a task wrote: the log of its latest attempt that has ended, or of the attempt that is asked for.',
  examples: ['logs 0192f0c1-2b3c-7d4e-8f50-617283940a1b fetch', 'logs 0192f0c1-2b3c-7d4e-8f50-617283940a1b fetch --attempt 1'],
};

export const addLogs: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'logs', HELP)
    .addArgument(executionArgument())
    .argument('<task>', 'id of the task')
    .addOption(new Option('--attempt <number>', 'from 1 (default: the latest)').argParser(attemptParser));
  reaching(command).action(async (id: string, task: string, flags: LogsFlags) =>
    done(await (await import('../verbs/logs.ts')).logs(id, task, flags, context)),
  );
};

function attemptParser(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number from 1');
}
