import type { PromoteFlags, RollbackFlags } from '../verbs/channel.ts';
import { addVerb, reaching, workflowOption } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const PROMOTE_HELP = {
  description: 'Make the candidate of a workflow its stable version.',
  examples: ['promote -w hello', 'promote -w hello --comment "a week without a failed run"'],
};
const ROLLBACK_HELP = {
  description: 'Withdraw the candidate of a workflow; without one, go back to an earlier stable version.',
  examples: ['rollback -w hello', 'rollback -w hello --to 0.1.0 --comment "error rate over the limit"'],
};
const COMMENT = '--comment <text>';
const COMMENT_HELP = 'why, for people; public, and kept in the history for ever';

export const addPromote: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'promote', PROMOTE_HELP)
    .addOption(workflowOption().makeOptionMandatory())
    .option(COMMENT, COMMENT_HELP);
  reaching(command).action(async (flags: PromoteFlags) => done(await (await import('../verbs/channel.ts')).promote(flags, context)));
};

export const addRollback: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'rollback', ROLLBACK_HELP)
    .addOption(workflowOption().makeOptionMandatory())
    .option('--to <version>', 'the version to go back to (default: the stable one before)')
    .option(COMMENT, COMMENT_HELP);
  reaching(command).action(async (flags: RollbackFlags) => done(await (await import('../verbs/channel.ts')).rollback(flags, context)));
};
