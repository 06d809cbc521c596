import { Option } from 'commander';
import type { RunFlags } from '../verbs/run.ts';
import { addVerb, following, manifestOption, reaching, trusting, workflowOption } from './add-command.ts';
import type { AddCommand } from './add-command.ts';
import { inputOption } from './input-option.ts';

const HELP = {
  description: 'Run a manifest (publish, run, follow, export and verify its receipt), or start a published workflow.',
  examples: [
    'run -m examples/hello.yaml',
    'run -m examples/hello.yaml --input who=Ada',
    'run -m examples/release-evidence.yaml --out evidence/',
    'run -m flow.yaml --input count:=3 --region DE --json',
    'run -w hello --canary --input who=Ada --follow',
  ],
};

export const addRun: AddCommand = (program, context, done) => {
  const command = addVerb(program, 'run', HELP)
    .addOption(manifestOption().conflicts('workflow'))
    .addOption(workflowOption())
    .addOption(inputOption())
    .option('--region <region>', 'region that the run is asked to stay in')
    .addOption(
      new Option(
        '--rollout <which>',
        'the stable version (all) or the candidate (canary); default: exactly the version of -m, of -w by weight',
      ).choices(['canary', 'all']),
    )
    .addOption(new Option('--canary', 'as --rollout canary').conflicts('rollout'))
    .option(
      '--workspace <dir>',
      'the only folder that tasks may read and write, where a conductor is started for this run (default: as configured, else the current one)',
    );
  following(command);
  trusting(reaching(command)).action(async (flags: RunFlags) => done(await (await import('../verbs/run.ts')).run(flags, context)));
};
