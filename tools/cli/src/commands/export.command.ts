import type { ExportFlags } from '../verbs/export.ts';
import { addVerb, executionArgument, reaching } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Write the receipt set of an ended run to a folder, for an auditor.',
  examples: ['export 0192f0c1-2b3c-7d4e-8f50-617283940a1b --out evidence/'],
};

export const addExport: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'export', HELP)
    .addArgument(executionArgument())
    .requiredOption('--out <dir>', 'a new or empty folder; one that holds the same set is left as it is');
  reaching(command).action(async (id: string, flags: ExportFlags) =>
    done(await (await import('../verbs/export.ts')).exportSet(id, flags, context)),
  );
};
