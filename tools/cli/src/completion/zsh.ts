import type { Completes, CompletedOption, CompletedVerb } from './command-model.ts';

/** A script for zsh with its completion system; `eval "$(maestro completion zsh)"`. */
export function zshScript(model: readonly CompletedVerb[]): string {
  const functions = model.map((verb) => (verb.verbs.length > 0 ? groupOf(verb, model) : leafOf(verb)));
  return `#compdef maestro
# Completion of maestro for zsh. Take it with: eval "$(./maestro completion zsh)"
${functions.join('\n')}
compdef _maestro maestro
`;
}

const nameOf = (path: readonly string[]): string => ['_maestro', ...path].join('_');

function leafOf({ path, options, argument }: CompletedVerb): string {
  const specs = [...options.map(specOf), ...(argument === 'nothing' ? [] : [`'1: :${actionOf(argument)}'`])];
  return `${nameOf(path)}() { _arguments -s ${specs.join(' ')} }`;
}

function groupOf({ path, verbs }: CompletedVerb, model: readonly CompletedVerb[]): string {
  const described = verbs.map((name) => {
    const found = model.find((verb) => verb.path.join(' ') === [...path, name].join(' '));
    return quoted(`${name}:${found?.description ?? ''}`);
  });
  const cases = verbs.map((name) => `    ${name}) ${nameOf([...path, name])} ;;`);
  return `${nameOf(path)}() {
  local -a verbs=(${described.join(' ')})
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  local verb=$words[2]
  shift words; (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}`;
}

function specOf({ names, description, value }: CompletedOption): string {
  const action = value === null ? '' : `: :${actionOf(value)}`;
  const about = description.replaceAll(/[[\]:\\]/g, ' ');
  return names.map((name) => quoted(`*${name}[${about}]${action}`)).join(' ');
}

function actionOf(completes: Completes): string {
  if (completes === 'file') return '_files';
  if (completes === 'folder') return '_files -/';
  return completes === 'nothing' ? ' ' : `(${completes.choices.join(' ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
