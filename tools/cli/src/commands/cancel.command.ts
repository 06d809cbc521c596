import { InvalidArgumentError, Option } from 'commander';
import type { CancelFlags } from '../verbs/cancel.ts';
import { addVerb, executionArgument, reaching } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'End a run: its tasks get a signal, then ten seconds.',
  examples: [
    'cancel 0192f0c1-2b3c-7d4e-8f50-617283940a1b',
    'cancel 0192f0c1-2b3c-7d4e-8f50-617283940a1b --reason WRONG_INPUT --comment "started by mistake" --follow',
  ],
};

export const addCancel: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'cancel', HELP)
    .addArgument(executionArgument())
    .addOption(new Option('--reason <CODE>', 'an upper-case code that the events and the receipt will show').argParser(reasonParser))
    .option('--comment <text>', 'for people; public, and kept in the history for ever')
    .option('--follow', 'wait until it has ended');
  reaching(command).action(async (id: string, flags: CancelFlags) => done(await (await import('../verbs/cancel.ts')).cancel(id, flags, context)));
};

function reasonParser(text: string): string {
  if (/^[A-Z][A-Z0-9_]{1,63}$/.test(text)) return text;
  throw new InvalidArgumentError('expected an upper-case code of 2 to 64 characters, such as WRONG_INPUT; words for people go to --comment');
}
