import { Option } from 'commander';
import { PROGRAM } from '../install-paths.ts';
import type { PolicyTestFlags } from '../verbs/policy-test.ts';
import { addVerb, manifestOption } from './add-command.ts';
import type { AddCommand } from './add-command.ts';
import { inputOption } from './input-option.ts';

const GROUP_HELP = { description: 'Try policy packs without a conductor.', examples: ['policy test -m examples/denied.yaml'] };
const TEST_HELP = {
  description: 'Ask the compiled packs about a manifest or a policy input; without either, run the packs\' own tests with opa.',
  examples: [
    'policy test -m examples/denied.yaml',
    'policy test --document input.json --stage task',
    'policy test --packs policy/packs',
  ],
  exitCodes: `Exit codes:
  0  allowed; or every test passed
  2  the manifest or the input cannot be used, or opa is missing
  3  denied
  9  tests of the packs failed
  other errors as in ${PROGRAM} --help`,
};

export const addPolicy: AddCommand = (program, context, done) => {
  const group = addVerb(program, 'policy', GROUP_HELP);
  addVerb(group, 'test', TEST_HELP)
    .addOption(manifestOption().conflicts(['document', 'packs']))
    .addOption(inputOption())
    .option('--region <region>', 'region that the run would be asked to stay in')
    .addOption(new Option('--document <file>', 'a policy input as JSON (policy/input/<stage>.schema.json)').conflicts('packs'))
    .addOption(new Option('--stage <stage>', 'of --document').choices(['publish', 'start', 'task']).default('start'))
    .option('--packs <dir>', "folder of packs whose own tests opa runs (default: the shipped ones)")
    .option('--json', 'the decisions as JSON on standard output')
    .action(async (flags: PolicyTestFlags) => done(await (await import('../verbs/policy-test.ts')).policyTest(flags, context)));
};
