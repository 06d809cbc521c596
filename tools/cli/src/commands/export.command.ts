import { Argument } from 'commander';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExportAllFlags } from '../verbs/export-all.ts';
import type { ExportFlags } from '../verbs/export.ts';
import { addVerb, reaching } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Write the receipt set of an ended run to a folder, for an auditor; with --all, a whole deployment, for import elsewhere.',
  examples: ['export 0192f0c1-2b3c-7d4e-8f50-617283940a1b --out evidence/', 'export --all --data /srv/maestro --out /backups/whole', 'export --all --config cluster.yaml --out /backups/whole'],
};

export const addExport: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'export', HELP)
    .addArgument(new Argument('[executionId]', 'id of the run; without it, --all'))
    .requiredOption('--out <dir>', 'a new or empty folder; one that holds the same set is left as it is. With --all it gets keys: keep it secret')
    .option('--all', 'everything of a data folder, or of the cluster that --config names: events, evidence, keys')
    .option('--config <file>', 'with --all: configuration file of the deployment (default: maestro.yaml in the current folder, where there is one)');
  reaching(command).action(async (id: string | undefined, flags: ExportFlags & ExportAllFlags & { readonly all?: boolean }) => {
    if ((id === undefined) !== (flags.all === true)) {
      throw new CliError(EXIT.usage, 'USAGE_INVALID', 'export needs the id of a run, or --all, and not both', ['./maestro export <executionId> --out DIR', './maestro export --all --out DIR']);
    }
    if (id === undefined) return done(await (await import('../verbs/export-all.ts')).exportAll(flags, context));
    return done(await (await import('../verbs/export.ts')).exportSet(id, flags, context));
  });
};
