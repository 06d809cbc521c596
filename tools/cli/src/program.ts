import { Command, CommanderError } from 'commander';
import type { AddCommand, Done } from './commands/add-command.ts';
import { addBackup, addRestore } from './commands/backup.command.ts';
import { addCancel } from './commands/cancel.command.ts';
import { addPromote, addRollback } from './commands/channel.command.ts';
import { addCompletion } from './commands/completion.command.ts';
import { addCluster } from './commands/cluster.command.ts';
import { addDoctor } from './commands/doctor.command.ts';
import { addExport } from './commands/export.command.ts';
import { addImport } from './commands/import.command.ts';
import { addInit } from './commands/init.command.ts';
import { addLogs } from './commands/logs.command.ts';
import { addPlan } from './commands/plan.command.ts';
import { addPolicy } from './commands/policy.command.ts';
import { addPublish } from './commands/publish.command.ts';
import { addRebuild } from './commands/rebuild.command.ts';
import { addResume } from './commands/resume.command.ts';
import { addRun } from './commands/run.command.ts';
import { addStatus } from './commands/status.command.ts';
import { addUp } from './commands/up.command.ts';
import { addVerify } from './commands/verify.command.ts';
import type { CliSettings } from './config.ts';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts';
import { PROGRAM, releaseVersion } from './install-paths.ts';
import type { Screen } from './screen.ts';
import { tellFailure, tellUsage } from './tell-failure.ts';
import type { VerbContext } from './verbs/verb-context.ts';

/** Every verb, in the order of the help. A verb is `commands/<verb>.command.ts` (its command line) and `verbs/<verb>.ts`. */
const COMMANDS: readonly AddCommand[] = [
  addInit,
  addPlan,
  addPublish,
  addRun,
  addStatus,
  addLogs,
  addCancel,
  addResume,
  addExport,
  addVerify,
  addRebuild,
  addPolicy,
  addPromote,
  addRollback,
  addUp,
  addCluster,
  addDoctor,
  addBackup,
  addRestore,
  addImport,
  addCompletion,
];

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
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : tellUsage(error, args, screen);
    return tellFailure(error, args, screen);
  }
}

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
  for (const add of COMMANDS) add(program, context, done);
  return program;
}
