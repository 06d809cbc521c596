import { Option } from 'commander';
import type { RunFlags } from '../verbs/run.ts';
import { addVerb, reaching, trusting } from './add-command.ts';
import type { AddCommand } from './add-command.ts';
import { inputOption } from './input-option.ts';

const HELP = {
  description: 'Publish a manifest, run it, follow it to its end, export and verify its receipt.',
  examples: [
    'run -m examples/hello.yaml',
    'run -m examples/hello.yaml --input who=Ada',
    'run -m examples/release-evidence.yaml --out evidence/',
    'run -m flow.yaml --input count:=3 --region DE --json',
  ],
};

export const addRun: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'run', HELP)
    .requiredOption('-m, --manifest <file>', 'workflow manifest, .yaml or .json')
    .addOption(inputOption())
    .option('--region <region>', 'region that the run is asked to stay in')
    .addOption(
      new Option(
        '--rollout <which>',
        'run the stable version (all) or the candidate (canary) instead of exactly the version of this manifest',
      ).choices(['canary', 'all']),
    )
    .option(
      '--workspace <dir>',
      'the only folder that tasks may read and write, where a conductor is started for this run (default: the current one)',
    )
    .option('--out <dir>', 'where the receipt set goes (default: <data>/exports/<run>)');
  trusting(reaching(command)).action(async (flags: RunFlags) => done(await (await import('../verbs/run.ts')).run(flags, context)));
};
