import type { Completes, CompletedOption, CompletedVerb } from './command-model.ts';

/** A script for fish 3 and later; `maestro completion fish | source`. */
export function fishScript(model: readonly CompletedVerb[]): string {
  const lines = model.flatMap(({ path, options, verbs, argument }) => {
    const within = path.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    const without = verbs.length === 0 ? '' : `not __fish_seen_subcommand_from ${verbs.join(' ')}`;
    const condition = [within, without].filter((part) => part !== '').join('; and ');
    const start = `complete -c maestro${condition === '' ? '' : ` -n ${quoted(condition)}`}`;
    return [
      ...verbs.map((name) => `${start} -a ${name} -d ${quoted(descriptionOf(model, [...path, name]))}`),
      ...options.map((option) => `${start} ${optionOf(option)}`),
      ...(argument === 'nothing' ? [] : [`${start} ${actionOf(argument)}`]),
    ];
  });
  return `# Completion of maestro for fish. Take it with: ./maestro completion fish | source
complete -c maestro -f
${lines.join('\n')}
`;
}

function descriptionOf(model: readonly CompletedVerb[], path: readonly string[]): string {
  return model.find((verb) => verb.path.join(' ') === path.join(' '))?.description ?? '';
}

function optionOf({ names, description, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  return [...flags, ...(value === null ? [] : ['-r', actionOf(value)]), `-d ${quoted(description)}`].join(' ');
}

function actionOf(completes: Completes): string {
  if (completes === 'file') return '-F';
  if (completes === 'folder') return `-a ${quoted('(__fish_complete_directories)')}`;
  return completes === 'nothing' ? '-f' : `-a ${quoted(completes.choices.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
