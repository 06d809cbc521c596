import { PROGRAM } from '../install-paths.ts';
import type { PlanFlags } from '../verbs/offline-plan.ts';
import { addVerb, manifestOption } from './add-command.ts';
import type { AddCommand } from './add-command.ts';
import { inputOption } from './input-option.ts';

const HELP = {
  description: 'Say what a manifest would run, what policy says and what it may cost; offline, nothing runs, nothing is written.',
  examples: ['plan -m examples/hello.yaml', 'plan -m flow.yaml --input count:=3 --region DE --json'],
  exitCodes: `Exit codes:
  0  it would start
  2  the manifest is invalid, or an input is missing
  3  policy denies it
  other errors as in ${PROGRAM} --help`,
};

export const addPlan: AddCommand = (program, context, done) => {
  addVerb(program, 'plan', HELP)
    .addOption(manifestOption().makeOptionMandatory())
    .addOption(inputOption())
    .option('--region <region>', 'region that the run would be asked to stay in')
    .option('--json', 'the plan as JSON on standard output')
    .action(async (flags: PlanFlags) => done(await (await import('../verbs/plan.ts')).plan(flags, context)));
};
