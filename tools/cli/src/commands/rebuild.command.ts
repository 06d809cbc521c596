import { PROGRAM } from '../install-paths.ts';
import type { CommonFlags } from '../verbs/verb-context.ts';
import { addVerb, reaching, subjectArgument } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Make receipt and statement anew from the events, and compare bytes.',
  examples: ['rebuild evidence/'],
  exitCodes: `Exit codes:
  0  identical, byte for byte
  8  REBUILD_MISMATCH: the events make other documents
  other errors as in ${PROGRAM} --help`,
};

export const addRebuild: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'rebuild', HELP).addArgument(subjectArgument());
  reaching(command).action(async (given: string, flags: CommonFlags) =>
    done(await (await import('../verbs/rebuild.ts')).rebuild(given, flags, context)),
  );
};
