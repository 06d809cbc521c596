import { InvalidArgumentError, Option } from 'commander';
import type { InitFlags } from '../verbs/init.ts';
import { addVerb } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Write a manifest, a configuration and a CI workflow to begin with; overwrites nothing.',
  examples: ['init', 'init flows/nightly --name nightly-report'],
};

export const addInit: AddCommand = (program, context, done) => {
  addVerb(program, 'init', HELP)
    .argument('[folder]', 'where the files go', '.')
    .addOption(new Option('--name <name>', 'of the workflow').default('sample-workflow').argParser(nameParser))
    .option('--json', 'what was written as JSON on standard output')
    .action(async (folder: string, flags: InitFlags) => done(await (await import('../verbs/init.ts')).init(folder, flags, context)));
};

/** As the schema of manifests has it. */
function nameParser(text: string): string {
  if (/^[a-zA-Z0-9-_]{3,64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected 3 to 64 letters, digits, - or _');
}
