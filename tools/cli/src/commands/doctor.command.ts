import { PROGRAM } from '../install-paths.ts';
import type { DoctorFlags } from '../verbs/doctor.ts';
import { addVerb } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Look at everything that a conductor depends on, and say what to do. Works with and without a running one.',
  examples: ['doctor', 'doctor --data /srv/maestro --config maestro.yaml', 'doctor --repair'],
  exitCodes: `Exit codes:
  0  nothing is wrong; warnings may be
  1  at least one problem; each says what to do
  other errors as in ${PROGRAM} --help`,
};

export const addDoctor: AddCommand = (program, context, done) => {
  addVerb(program, 'doctor', HELP)
    .option('--data <dir>', 'data folder to look at (default: of the configuration)')
    .option('--config <file>', 'configuration file of the conductor (default: maestro.yaml in the current folder, where there is one)')
    .option('--repair', 'mend what can be mended without losing anything: file modes, leftovers, databases that are made again from the events')
    .option('--json', 'the findings as JSON on standard output')
    .action(async (flags: DoctorFlags) => done(await (await import('../verbs/doctor.ts')).doctor(flags, context)));
};
