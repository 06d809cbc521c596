import { Argument, Command, Option } from 'commander';
import { EXIT_CODES_HELP } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import type { VerbContext } from '../verbs/verb-context.ts';

/** Told once, by the verb that ran. */
export type Done = (exitCode: number) => void;

/** Adds one verb to the program; what the verb does is loaded only when it is called. */
export type AddCommand = (program: Command, context: VerbContext, done: Done) => void;

/** What the help of a verb says. */
export type CommandHelp = {
  readonly description: string;
  /** command lines without the program's name */
  readonly examples: readonly string[];
  /** where they are not those of every verb */
  readonly exitCodes?: string;
};

/** A verb with its own help, with examples. */
export function addVerb(program: Command, name: string, { description, examples, exitCodes = EXIT_CODES_HELP }: CommandHelp): Command {
  const lines = examples.map((example) => `  ${PROGRAM} ${example}`).join('\n');
  return program.command(name).description(description).addHelpText('after', `\nExamples:\n${lines}\n\n${exitCodes}`);
}

export function dataOption(): Option {
  return new Option(
    '--data <dir>',
    'data folder; the conductor that holds it is used, else one is started for this command (default: MAESTRO_DATA, as configured, or .maestro)',
  );
}

/** Options of every verb that speaks to a conductor. */
export function reaching(command: Command): Command {
  return command
    .addOption(dataOption())
    .option('--url <url>', 'a conductor elsewhere, as http://host:port (or MAESTRO_URL)')
    .option('--json', 'the result as JSON on standard output');
}

/** Options of every verb that verifies a receipt. */
export function trusting(command: Command): Command {
  return command
    .option('--key <pem>', 'public key of the signer (PEM), from a source that you trust')
    .option('--registry <file>', 'signed key registry; needs --root')
    .option('--root <pem>', 'public key (PEM) of the root that signed the registry');
}

/** What `verify` and `rebuild` are about. */
export function subjectArgument(): Argument {
  return new Argument('<folder|executionId>', 'folder of a receipt set, or id of a run');
}

export function executionArgument(): Argument {
  return new Argument('<executionId>', 'id of the run');
}

export function manifestOption(): Option {
  return new Option('-m, --manifest <file>', 'workflow manifest, .yaml or .json');
}

export function workflowOption(): Option {
  return new Option('-w, --workflow <id>', 'name of a published workflow');
}

/** Options of verbs that start a run. */
export function following(command: Command): Command {
  return command
    .option('--follow', 'follow it to its end, export and verify its receipt; always so where a conductor is started for this command')
    .option('--out <dir>', 'where the receipt set of a followed run goes (default: <data>/exports/<run>)');
}
