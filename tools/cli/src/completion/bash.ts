import type { Completes, CompletedVerb } from './command-model.ts';

/** A script for bash 4 and later; `eval "$(maestro completion bash)"`. */
export function bashScript(model: readonly CompletedVerb[]): string {
  const cases = model.map(({ path, options, verbs, argument }) => {
    const names = options.flatMap(({ names: each }) => each);
    const values = options
      .filter(({ value }) => value !== null)
      .map((option) => `      ${option.names.join('|')}) ${actionOf(option.value ?? 'nothing')}; return ;;`);
    const after = verbs.length > 0 ? wordsOf(verbs) : actionOf(argument);
    return `  '${path.join(' ')}')
    case "$before" in
${values.length === 0 ? '      --) ;;' : values.join('\n')}
    esac
    if [[ $word == -* ]]; then ${wordsOf(names)}; else ${after}; fi ;;`;
  });
  return `# Completion of maestro for bash. Take it with: eval "$(./maestro completion bash)"
_maestro() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$verb \${COMP_WORDS[i]}" in
${model.filter(({ path }) => path.length > 0).map(({ path }) => `      '${[path.slice(0, -1).join(' '), path.at(-1)].join(' ')}') verb='${path.join(' ')}' ;;`).join('\n')}
    esac
  done
  case "$verb" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _maestro maestro
`;
}

function actionOf(completes: Completes): string {
  if (completes === 'nothing') return ':';
  if (completes === 'file') return replyOf('-f');
  return completes === 'folder' ? replyOf('-d') : wordsOf(completes.choices);
}

function wordsOf(words: readonly string[]): string {
  return replyOf(`-W '${words.join(' ')}'`);
}

/** Line by line: names of files may hold spaces. */
function replyOf(generator: string): string {
  return `mapfile -t COMPREPLY < <(compgen ${generator} -- "$word")`;
}
