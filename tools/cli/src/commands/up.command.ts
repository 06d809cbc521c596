import { InvalidArgumentError, Option } from 'commander';
import type { RoleFlags } from '../verbs/up-role.ts';
import type { UpFlags } from '../verbs/up.ts';
import { addVerb, dataOption } from './add-command.ts';
import type { AddCommand } from './add-command.ts';

const HELP = {
  description: 'Serve a data folder, or roles of a cluster, in the foreground until Ctrl-C.',
  examples: ['up', 'up --port 8080 --data /srv/maestro --workspace .', 'up --auth token', 'up --config /etc/maestro.yaml', 'up --role command,projector --config cluster.yaml'],
};

export const addUp: AddCommand = (program, context, done) => {
  addVerb(program, 'up', HELP)
    .addOption(new Option('--port <port>', 'port to listen on; 0: any free one (default: as configured, else 4747)').argParser(portParser))
    .addOption(dataOption())
    .option('--workspace <dir>', 'the only folder that tasks may read and write (default: as configured, else the current one)')
    .option('--config <file>', 'configuration file (default: maestro.yaml in the current folder, where there is one)')
    .addOption(new Option('--auth <how>', 'token: every request needs the token of the data folder (default: as configured, else none)').choices(['none', 'token']))
    .option('--host <address>', 'address to bind (default: as configured, else 127.0.0.1); anything but loopback needs --auth token')
    .option('--allow-host <name:port...>', 'further names that clients may use for this server')
    .option('--role <list...>', 'roles of this process of a cluster: api, command, policy, runner, projector, receipt; needs --config, see docs/operations.md')
    .option('--name <name>', 'with --role: name of the process in leases, events and logs (default: host name and process id)')
    .addOption(new Option('--ops-port <port>', 'with --role: port for health and metrics; 0: any free one').argParser(portParser))
    .option('--json', 'address, pid and folders as one JSON line')
    .action(async (flags: UpFlags & RoleFlags) => {
      if (flags.role !== undefined) return done(await (await import('../verbs/up-role.ts')).upRole(flags, context));
      return done(await (await import('../verbs/up.ts')).up(flags, context));
    });
};

function portParser(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('expected 0 to 65535');
}
