import type { PublishFlags } from '../verbs/publish.ts';
import { addVerb, manifestOption, reaching } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Publish a manifest: an immutable version that runs can be started from.',
  examples: ['publish -m flow.yaml', 'publish -m flow.yaml --url http://127.0.0.1:4747 --json'],
};

export const addPublish: AddCommand = (program, context, done) => {
  reaching(addVerb(program, 'publish', HELP).addOption(manifestOption().makeOptionMandatory())).action(async (flags: PublishFlags) =>
    done(await (await import('../verbs/publish.ts')).publishVerb(flags, context)),
  );
};
