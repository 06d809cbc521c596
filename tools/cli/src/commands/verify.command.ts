import { PROGRAM } from '../install-paths.ts';
import type { VerifyFlags } from '../verbs/verify.ts';
import { addVerb, reaching, subjectArgument, trusting } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Verify a receipt set: a folder offline, without any conductor; or the receipt of a run.',
  examples: ['verify evidence/', 'verify evidence/ --key signer.pub'],
  exitCodes: `Exit codes:
  0  every check passed
  1 to 13  number of the check that failed first; a set that only its own key.pub vouches for fails check 2 (SELF_ASSERTED)
  64 to 66  the verification could not begin: command line, key or registry, or a file
  other errors as in ${PROGRAM} --help`,
};

export const addVerify: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'verify', HELP).addArgument(subjectArgument());
  trusting(reaching(command)).action(async (given: string, flags: VerifyFlags) =>
    done(await (await import('../verbs/verify.ts')).verify(given, flags, context)),
  );
};
