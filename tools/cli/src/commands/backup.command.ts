import { addVerb } from './add-command.ts';
import type { AddCommand } from './add-command.ts';
import type { BackupFlags } from '../verbs/backup.ts';
import type { RestoreFlags } from '../verbs/restore.ts';

const BACKUP_HELP = {
  description: 'Copy a data folder, consistent and checked, while its conductor runs or not.',
  examples: ['backup --out /backups/monday', 'backup --data /srv/maestro --out /backups/monday'],
};

const RESTORE_HELP = {
  description: 'Make a data folder of a backup. What lies in the place is set aside, and never newer than what replaces it unless you accept that.',
  examples: ['restore --from /backups/monday --data /srv/maestro', 'restore --from /backups/monday --data /srv/maestro --accept-loss', 'restore --data /srv/maestro --accept-loss'],
};

export const addBackup: AddCommand = (program, context, done) => {
  addVerb(program, 'backup', BACKUP_HELP)
    .requiredOption('--out <dir>', 'a new or empty folder; it holds keys, so keep it as secret as the data folder')
    .option('--data <dir>', 'data folder to back up (default: of the configuration)')
    .option('--config <file>', 'configuration file of the conductor; it is backed up, too (default: maestro.yaml in the current folder, where there is one)')
    .option('--json', 'the result as JSON on standard output')
    .action(async (flags: BackupFlags) => done(await (await import('../verbs/backup.ts')).backup(flags, context)));
};

export const addRestore: AddCommand = (program, context, done) => {
  addVerb(program, 'restore', RESTORE_HELP)
    .option('--from <dir>', 'folder that backup --out wrote; without it, and with --accept-loss, the store stays as it is')
    .requiredOption('--data <dir>', 'data folder to be: new, empty, or one to be replaced')
    .option('--accept-loss', 'go on although acknowledged events are gone; says which, and every later receipt names the risk')
    .option('--json', 'the result as JSON on standard output')
    .action(async (flags: RestoreFlags) => done(await (await import('../verbs/restore.ts')).restore(flags, context)));
};
