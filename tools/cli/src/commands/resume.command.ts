import type { FollowFlags } from '../verbs/follow-run.ts';
import { addVerb, executionArgument, following, reaching, trusting } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Start a new run that goes on from one that failed, was cancelled or timed out; what succeeded is taken over.',
  examples: ['resume 0192f0c1-2b3c-7d4e-8f50-617283940a1b --follow'],
};

export const addResume: AddCommand = (program, context, done) => {
  const command = following(addVerb(program, 'resume', HELP).addArgument(executionArgument()));
  trusting(reaching(command)).action(async (id: string, flags: FollowFlags) =>
    done(await (await import('../verbs/resume.ts')).resume(id, flags, context)),
  );
};
