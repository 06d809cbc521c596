import type { ImportFlags } from '../verbs/import.ts';
import { addVerb } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Give an empty data folder or cluster the whole history that export --all wrote. One that was interrupted goes on when it is run again.',
  examples: ['import --from /backups/whole --config cluster.yaml', 'import --from /backups/whole --data /srv/maestro'],
};

export const addImport: AddCommand = (program, context, done) => {
  addVerb(program, 'import', HELP)
    .requiredOption('--from <dir>', 'folder that export --all --out wrote')
    .option('--data <dir>', 'data folder to be: new, empty, or one without events; no conductor may hold it')
    .option('--config <file>', 'configuration of a cluster without events, whose roles are all ended; see docs/operations.md')
    .option('--json', 'the result as JSON on standard output')
    .action(async (flags: ImportFlags) => done(await (await import('../verbs/import.ts')).importAll(flags, context)));
};
