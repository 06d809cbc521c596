import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { DATA_FOLDER_IGNORED, templatesOf } from '../init/templates.ts';
import { PROGRAM } from '../install-paths.ts';
import { labelled } from '../screen.ts';
import type { VerbContext } from './verb-context.ts';

export type InitFlags = { readonly name: string; readonly json?: boolean | undefined };

/** Writes a manifest, a configuration and a CI workflow to begin with. Overwrites nothing: where one is there, none is written. */
export async function init(given: string, flags: InitFlags, { settings, screen }: VerbContext): Promise<number> {
  const folder = resolve(settings.cwd, given);
  const templates = templatesOf(flags.name);
  const there = templates.filter(({ path }) => existsSync(join(folder, path))).map(({ path }) => path);
  if (there.length > 0) {
    const next = ['choose another folder, or move these files away', `${PROGRAM} plan -m ${join(given, 'workflow.yaml')}`];
    throw new CliError(EXIT.usage, 'FILE_EXISTS', `${folder} holds already: ${there.join(', ')}; nothing was written`, next);
  }
  for (const { path, text } of templates) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    // wx: also a file that came meanwhile stays as it is
    await writeFile(join(folder, path), text, { flag: 'wx' });
  }
  const isIgnored = await ignoreDataFolder(folder);
  const files = [...templates.map(({ path }) => path), ...(isIgnored === 'written' ? ['.gitignore'] : [])];
  const manifest = join(relative(settings.cwd, folder), 'workflow.yaml');
  const next = [`${PROGRAM} plan -m ${manifest}`, `${PROGRAM} run -m ${manifest} --input who=Ada`, `${PROGRAM} up`];
  if (isIgnored === 'missing') screen.note(screen.paintNote('attention', `add ${DATA_FOLDER_IGNORED} to .gitignore: it will hold private keys`));
  if (flags.json === true) screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, folder, files, next }, null, 2));
  else {
    const rows = [
      ['folder', folder],
      ['files', files.join('\n')],
      ['next', next.join('\n')],
    ] as const;
    screen.out(`${screen.paintOut('good', '✓')} written\n\n${labelled(rows, screen.paintOut)}`);
  }
  return EXIT.ok;
}

/** `missing`: a file of the user is there and says nothing about the data folder; it is left as it is. */
async function ignoreDataFolder(folder: string): Promise<'written' | 'there' | 'missing'> {
  const path = join(folder, '.gitignore');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) return /^\/?\.maestro\/?\s*$/m.test(text) ? 'there' : 'missing';
  await writeFile(path, `${DATA_FOLDER_IGNORED}\n`, { flag: 'wx' });
  return 'written';
}
