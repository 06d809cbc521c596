import { InvalidArgumentError, Option } from 'commander';
import type { UpFlags } from '../verbs/up.ts';
import { addVerb, dataOption } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Serve a data folder in the foreground until Ctrl-C.',
  examples: ['up', 'up --port 8080 --data /srv/maestro --workspace .'],
};

export const addUp: AddCommand = (program, context, done) => {
  addVerb(program, 'up', HELP)
    .addOption(new Option('--port <port>', 'port to listen on; 0: any free one (default: as configured, else 4747)').argParser(portParser))
    .addOption(dataOption())
    .option('--workspace <dir>', 'the only folder that tasks may read and write (default: as configured, else the current one)')
    .option('--json', 'address, pid and folders as one JSON line')
    .action(async (flags: UpFlags) => done(await (await import('../verbs/up.ts')).up(flags, context)));
};

function portParser(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('expected 0 to 65535');
}
