import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { someUser } from '../../fixtures/command-line.ts';

let user: ReturnType<typeof someUser>;
beforeEach(() => {
  user = someUser();
});
afterEach(() => user.leave());

/** What bash would offer for a command line whose last word is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const { out } = await user.call('completion', 'bash');
  const list = words.map((word) => `'${word}'`).join(' ');
  const script = `${out}\nCOMP_WORDS=(./maestro ${list}); COMP_CWORD=${words.length}; _maestro; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { cwd: user.folder, encoding: 'utf8' }).trimEnd().split('\n').sort();
}

describe('completion in bash', () => {
  it('offers every verb', async () => {
    const verbs = await offered('');
    expect(verbs).toEqual(expect.arrayContaining(['init', 'plan', 'policy', 'publish', 'run', 'status', 'up', 'verify']));
    expect(verbs).not.toContain('help');
    expect(await offered('re')).toEqual(['rebuild', 'restore', 'resume']);
    expect(await offered('policy', '')).toEqual(['test']);
  });

  it('offers the options of the verb at hand', async () => {
    expect(await offered('run', '--ca')).toEqual(['--canary']);
    expect(await offered('policy', 'test', '--pa')).toEqual(['--packs']);
    expect(await offered('plan', '-m', 'x.yaml', '--r')).toEqual(['--region']);
    expect(await offered('cancel', '--m')).toEqual(['']);
  });

  it('offers files, folders and choices where one is asked for', async () => {
    writeFileSync(join(user.folder, 'my flow.yaml'), '');
    mkdirSync(join(user.folder, 'my folder'));
    expect(await offered('run', '-m', 'my')).toEqual(['my flow.yaml', 'my folder']);
    expect(await offered('verify', 'my')).toEqual(['my folder']);
    expect(await offered('run', '--data', 'my')).toEqual(['my folder']);
    expect(await offered('run', '--rollout', '')).toEqual(['all', 'canary']);
    expect(await offered('completion', '')).toEqual(['bash', 'fish', 'zsh']);
  });
});

describe('completion in other shells', () => {
  it('names every verb and option that the help names', async () => {
    const bash = (await user.call('completion', 'bash')).out;
    const [, words = ''] = /compgen -W '(init [^']+)'/.exec(bash) ?? [];
    const zsh = (await user.call('completion', 'zsh')).out;
    const fish = (await user.call('completion', 'fish')).out;
    for (const verb of words.split(' ')) {
      expect(zsh).toContain(`'${verb}:`);
      expect(fish).toContain(` -a ${verb} -d '`);
      const { out: help } = await user.call(verb, '--help');
      for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)) {
        expect(zsh).toContain(`--${option}[`);
        expect(fish).toMatch(new RegExp(`seen_subcommand_from ${verb}\\b.* -l ${option} `));
      }
    }
    expect(zsh.startsWith('#compdef maestro\n')).toBe(true);
    expect(zsh).toMatch(/--manifest\[workflow manifest, \.yaml or \.json\]: :_files'/);
    expect(fish).toContain('-l manifest -s m -r -F -d');
    expect(fish).toContain("-l stage -r -a 'publish start task'");
  });

  it('refuses a shell that it does not know, and says which it knows', async () => {
    expect(await user.call('completion', 'cmd')).toMatchObject({ exitCode: 2, notes: expect.stringContaining('bash, zsh, fish') });
  });
});
