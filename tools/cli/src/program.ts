import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CliSettings } from './config.ts';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts';
import { PROGRAM, releaseVersion } from './install-paths.ts';
import { parseInput } from './parse-input.ts';
import type { Screen } from './screen.ts';
import { tellFailure } from './tell-failure.ts';
import type { ExportFlags } from './verbs/export.ts';
import type { RunFlags } from './verbs/run.ts';
import type { StatusFlags } from './verbs/status.ts';
import type { UpFlags } from './verbs/up.ts';
import type { CommonFlags, VerbContext } from './verbs/verb-context.ts';
import type { VerifyFlags } from './verbs/verify.ts';

/** Of `up`; other verbs start a conductor on any free port. */
export const DEFAULT_PORT = 4747;

/** Runs one command line; its exit code. Every failure is told here, on standard error, without a stack. */
export async function runCommandLine(
  args: readonly string[],
  settings: CliSettings,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram({ settings, screen, signal }, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return tellFailure(error, args, screen);
  }
}

type Done = (exitCode: number) => void;

function createProgram(context: VerbContext, done: Done): Command {
  const { screen } = context;
  const program = new Command(PROGRAM)
    .description('Runs workflow manifests under policy and gives every run a signed receipt that anyone can verify offline.')
    .version(releaseVersion(), '-V, --version', 'print the version')
    .helpCommand('help [verb]', 'help of a verb')
    .showHelpAfterError(`(${PROGRAM} <verb> --help tells the options)`)
    .addHelpText('after', `\nExamples:\n  ${PROGRAM} run -m examples/hello.yaml\n  ${PROGRAM} up\n\n${EXIT_CODES_HELP}`)
    .configureOutput({ writeOut: (text) => screen.out(text.trimEnd()), writeErr: (text) => screen.note(text.trimEnd()) })
    .exitOverride();
  for (const add of [addRun, addUp, addStatus, addExport, addVerify, addRebuild]) add(program, context, done);
  return program;
}

/** A verb's own help, with examples. */
function verb(
  program: Command,
  name: string,
  description: string,
  examples: readonly string[],
  exitCodes = EXIT_CODES_HELP,
): Command {
  const lines = examples.map((example) => `  ${PROGRAM} ${example}`).join('\n');
  return program.command(name).description(description).addHelpText('after', `\nExamples:\n${lines}\n\n${exitCodes}`);
}

function dataOption(): Option {
  return new Option(
    '--data <dir>',
    'data folder; the conductor that holds it is used, else one is started for this command (default: .maestro, or MAESTRO_DATA)',
  );
}

function reaching(command: Command): Command {
  return command
    .addOption(dataOption())
    .option('--url <url>', 'a conductor elsewhere, as http://host:port (or MAESTRO_URL)')
    .option('--json', 'the result as JSON on standard output');
}

function trusting(command: Command): Command {
  return command
    .option('--key <pem>', 'public key of the signer (PEM), from a source that you trust')
    .option('--registry <file>', 'signed key registry; needs --root')
    .option('--root <pem>', 'public key (PEM) of the root that signed the registry');
}

function addRun(program: Command, context: VerbContext, done: Done): void {
  const command = verb(program, 'run', 'Publish a manifest, run it, follow it to its end, export and verify its receipt.', [
    'run -m examples/hello.yaml',
    'run -m examples/hello.yaml --input who=Ada',
    'run -m examples/release-evidence.yaml --out evidence/',
    'run -m flow.yaml --input count:=3 --region DE --json',
  ])
    .requiredOption('-m, --manifest <file>', 'workflow manifest, .yaml or .json')
    .addOption(
      new Option('-i, --input <name=text>', 'an input of the run; name:=json for other values than text; repeatable')
        .default([], 'none')
        .argParser(inputParser),
    )
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
  trusting(reaching(command)).action(async (flags: RunFlags) => done(await (await import('./verbs/run.ts')).run(flags, context)));
}

function addUp(program: Command, context: VerbContext, done: Done): void {
  verb(program, 'up', 'Serve a data folder in the foreground until Ctrl-C.', [
    'up',
    'up --port 8080 --data /srv/maestro --workspace .',
  ])
    .addOption(new Option('--port <port>', '0: any free one').default(DEFAULT_PORT).argParser(portParser))
    .addOption(dataOption())
    .option('--workspace <dir>', 'the only folder that tasks may read and write (default: the current one)')
    .option('--json', 'address, pid and folders as one JSON line')
    .action(async (flags: UpFlags) => done(await (await import('./verbs/up.ts')).up(flags, context)));
}

function addStatus(program: Command, context: VerbContext, done: Done): void {
  const command = verb(program, 'status', 'Follow a run to its end, then show its receipt.', [
    'status -e 0192f0c1-2b3c-7d4e-8f50-617283940a1b',
  ]);
  command.requiredOption('-e, --execution <id>', 'id of the run');
  reaching(command).action(async (flags: StatusFlags) => done(await (await import('./verbs/status.ts')).status(flags, context)));
}

function addExport(program: Command, context: VerbContext, done: Done): void {
  const command = verb(program, 'export', 'Write the receipt set of an ended run to a folder, for an auditor.', [
    'export 0192f0c1-2b3c-7d4e-8f50-617283940a1b --out evidence/',
  ])
    .argument('<executionId>', 'id of the run')
    .requiredOption('--out <dir>', 'a new or empty folder; one that holds the same set is left as it is');
  reaching(command).action(async (id: string, flags: ExportFlags) =>
    done(await (await import('./verbs/export.ts')).exportSet(id, flags, context)),
  );
}

const SUBJECT = '<folder|executionId>';

function addVerify(program: Command, context: VerbContext, done: Done): void {
  const exitCodes = `Exit codes:
  0  every check passed
  1 to 13  number of the check that failed first; a set that only its own key.pub vouches for fails check 2 (SELF_ASSERTED)
  64 to 66  the verification could not begin: command line, key or registry, or a file
  other errors as in ${PROGRAM} --help`;
  const command = verb(
    program,
    'verify',
    'Verify a receipt set: a folder offline, without any conductor; or the receipt of a run.',
    ['verify evidence/', 'verify evidence/ --key signer.pub'],
    exitCodes,
  );
  command.addArgument(new Argument(SUBJECT, 'folder of a receipt set, or id of a run'));
  trusting(reaching(command)).action(async (given: string, flags: VerifyFlags) =>
    done(await (await import('./verbs/verify.ts')).verify(given, flags, context)),
  );
}

function addRebuild(program: Command, context: VerbContext, done: Done): void {
  const exitCodes = `Exit codes:
  0  identical, byte for byte
  8  REBUILD_MISMATCH: the events make other documents
  other errors as in ${PROGRAM} --help`;
  const command = verb(
    program,
    'rebuild',
    'Make receipt and statement anew from the events, and compare bytes.',
    ['rebuild evidence/'],
    exitCodes,
  );
  command.addArgument(new Argument(SUBJECT, 'folder of a receipt set, or id of a run'));
  reaching(command).action(async (given: string, flags: CommonFlags) =>
    done(await (await import('./verbs/rebuild.ts')).rebuild(given, flags, context)),
  );
}

function inputParser(text: string, before: unknown): RunFlags['input'] {
  const inputs = before as RunFlags['input'];
  const parsed = parseInput(text);
  if (typeof parsed === 'string') throw new InvalidArgumentError(parsed);
  if (inputs.some(([name]) => name === parsed[0])) throw new InvalidArgumentError(`${parsed[0]} is given twice`);
  return [...inputs, parsed];
}

function portParser(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('expected 0 to 65535');
}
