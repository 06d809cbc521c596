import { Option } from 'commander';
import type { Command } from 'commander';
import { addVerb } from './add-command.ts';
import type { AddCommand } from './add-command.ts';
import type { ClusterFlags } from '../verbs/cluster.ts';

const HELP = {
  description: 'A cluster of real servers and one process per role on this machine, for development and tests.',
  examples: ['cluster up', 'cluster up --store jetstream --scale runner=2,command=1', 'cluster status', 'cluster down --roles', 'cluster down --delete'],
};

export const addCluster: AddCommand = (program, context, done) => {
  const cluster = addVerb(program, 'cluster', HELP);
  const part = (name: string, description: string): Command =>
    cluster
      .command(name)
      .description(description)
      .option('--folder <dir>', 'everything of the cluster: data, keys, logs, process ids', '.maestro-cluster')
      .option('--json', 'the result as JSON on standard output');
  part('up', 'Start it, or what of it does not run any more; resolves when every process is ready.')
    .addOption(new Option('--store <engine>', 'where events are: EventStoreDB (MAESTRO_ESDB_URL, else the double of the tests) or JetStream').choices(['eventstoredb', 'jetstream']).default('eventstoredb'))
    .option('--scale <role=n,…>', 'processes of each role (default: api=2,command=3,policy=2,runner=4,projector=2,receipt=2)')
    .action(async (flags: ClusterFlags) => done(await (await import('../verbs/cluster.ts')).clusterUp(flags, context)));
  part('status', 'Tell which of its processes run and are ready.').action(async (flags: ClusterFlags) => done(await (await import('../verbs/cluster.ts')).clusterShow(flags, context)));
  part('down', 'End every process of it.')
    .option('--delete', 'and delete its folder, with all data')
    .option('--roles', 'only the processes of the conductor: its servers go on, as import needs them')
    .action(async (flags: ClusterFlags) => done(await (await import('../verbs/cluster.ts')).clusterDown(flags, context)));
};
