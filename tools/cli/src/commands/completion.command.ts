import { Argument } from 'commander';
import { bashScript } from '../completion/bash.ts';
import { modelOf } from '../completion/command-model.ts';
import { fishScript } from '../completion/fish.ts';
import { zshScript } from '../completion/zsh.ts';
import { EXIT } from '../exit-codes.ts';
import { addVerb } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const HELP = {
  description: 'Print the completion script of a shell: verbs, options, files and choices.',
  examples: ['completion bash >> ~/.bashrc', 'completion fish | source'],
};

export const addCompletion: AddCommand = (program, { screen }, done) => {
  addVerb(program, 'completion', HELP)
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => {
      screen.out(SCRIPTS[shell](modelOf(program)).trimEnd());
      done(EXIT.ok);
    });
};
