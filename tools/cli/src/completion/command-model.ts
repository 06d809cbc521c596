import type { Command } from 'commander';

/** What may follow an option or stand as an argument. */
export type Completes = 'file' | 'folder' | 'nothing' | { readonly choices: readonly string[] };
export type CompletedOption = { readonly names: readonly string[]; readonly description: string; readonly value: Completes | null };
/** A verb as a shell completes it; `path` is `['policy', 'test']` for a verb within a group. */
export type CompletedVerb = {
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly CompletedOption[];
  readonly argument: Completes;
  readonly verbs: readonly string[];
};

/** Every verb of a program, the program itself first, with the options of its help. */
export function modelOf(program: Command): readonly CompletedVerb[] {
  return verbsOf(program, []);
}

function verbsOf(command: Command, path: readonly string[]): readonly CompletedVerb[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const verb: CompletedVerb = {
    path,
    description: firstSentence(command.description()),
    options: help.visibleOptions(command).map(({ short, long, description, required, optional, flags, argChoices }) => ({
      names: [long, short].filter((name) => name !== undefined && name !== null),
      description: firstSentence(description),
      value: required || optional ? valueOf(flags, argChoices) : null,
    })),
    argument: argumentOf(command),
    verbs: subcommands.map((one) => one.name()),
  };
  return [verb, ...subcommands.flatMap((one) => verbsOf(one, [...path, one.name()]))];
}

function argumentOf(command: Command): Completes {
  const [argument] = command.registeredArguments;
  return argument === undefined ? 'nothing' : valueOf(`<${argument.name()}>`, argument.argChoices);
}

/** By the placeholder of the help: `<file>`, `<pem>`, `<dir>`, `<folder…>`. */
function valueOf(flags: string, choices: readonly string[] | undefined): Completes {
  if (choices !== undefined) return { choices };
  if (/[<[](file|pem)\b/.test(flags)) return 'file';
  return /[<[](dir|folder)\b/.test(flags) ? 'folder' : 'nothing';
}

/** Shells show one line. */
function firstSentence(text: string): string {
  return text.split(/[;:(]|\.(?= |$)/)[0]?.trim() ?? '';
}
