import type { StatusFlags } from '../verbs/status.ts';
import { addVerb, reaching } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Follow a run to its end, then show its receipt.',
  examples: ['status -e 0192f0c1-2b3c-7d4e-8f50-617283940a1b'],
};

export const addStatus: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'status', HELP).requiredOption('-e, --execution <id>', 'id of the run');
  reaching(command).action(async (flags: StatusFlags) => done(await (await import('../verbs/status.ts')).status(flags, context)));
};
