import { serveCommands } from '@maestro/adapter-jetstream';
import type { DynamicModule } from '@nestjs/common';
import { VALUE_LIMITS } from '@maestro/ports';
import { listedAuthorizer, notePolicyActivation, openCommandRole, requireWorkTokens, withWorkTokens } from '@maestro/runtime';
import type { CommandRole } from '@maestro/runtime';
import { CommandModule } from '@maestro/service-command';
import { PolicyModule } from '@maestro/service-policy';
import { ProjectorModule } from '@maestro/service-projector';
import { ReceiptModule } from '@maestro/service-receipt';
import { RunnerModule } from '@maestro/service-runner';
import { environmentOf } from '../environment.ts';
import { ownReceiptVerifier } from '../own-receipts.ts';
import type { RoleName } from '../roles/role-table.ts';
import { CLASSES } from '../runner-classes.ts';
import { TENANT, storeOf, the } from './cluster-parts.ts';
import type { ClusterParts } from './cluster-parts.ts';

/** Roles whose work others wait for: they are begun first and end last. The api role is the application itself. */
const CORE: readonly RoleName[] = ['command', 'projector', 'receipt'];
const EDGE: readonly RoleName[] = ['policy', 'runner'];

/** Nest modules of this process's roles, those of the core apart. */
export async function roleModules(parts: ClusterParts): Promise<{ readonly core: readonly DynamicModule[]; readonly edge: readonly DynamicModule[] }> {
  const { roles } = parts.cluster;
  const modules = async (wanted: readonly RoleName[]): Promise<readonly DynamicModule[]> => Promise.all(wanted.filter((role) => roles.includes(role)).map((role) => MODULES[role](parts)));
  return { core: await modules(CORE), edge: await modules(EDGE) };
}

const MODULES: { readonly [R in RoleName]: (parts: ClusterParts) => DynamicModule | Promise<DynamicModule> } = {
  api: () => {
    throw new Error('the api role is the application itself');
  },
  command: commandModule,
  policy: (parts) => PolicyModule.register({ ...workOf(parts), policies: parts.policies }),
  runner: (parts) => RunnerModule.register({ ...workOf(parts), packages: parts.packages, runner: `runner:${parts.cluster.name}`.slice(0, 128), classes: CLASSES, concurrencyMax: parts.config.tasksMax }),
  projector: (parts) => {
    const { clock, metrics, log, supervision } = parts;
    return ProjectorModule.register({ store: storeOf(parts), views: the(parts.engines.postgres, 'Postgres').views, clock, metrics, log, supervision }, parts.membership);
  },
  receipt: receiptModule,
};

function workOf({ engines, gateway, clock, metrics, supervision, tracer }: ClusterParts) {
  return { queue: the(engines.nats, 'connection to NATS').queue, gateway: the(gateway, 'gateway'), clock, metrics, supervision, tracer, tenant: TENANT };
}

async function commandModule(parts: ClusterParts): Promise<DynamicModule> {
  const { config, cluster, engines, policies, packages, clock, entropy, metrics, log, supervision } = parts;
  const { link, queue, wakeUps } = the(engines.nats, 'connection to NATS');
  const { state } = the(engines.postgres, 'Postgres');
  const { environment } = the(engines.store, 'event store');
  const workKey = Buffer.from(the(cluster.keys.work ?? undefined, 'key of work tokens').reveal());
  await notePolicyActivation(state, policies, clock);
  const { risks, ...stored } = environment;
  const settings = {
    tenant: TENANT,
    prices: parts.prices,
    region: config.region,
    requireRegion: config.requireRegion,
    conductorUrl: () => cluster.publicUrl,
    environment: environmentOf(config, policies.active(), risks, { ...stored, profile: 'cluster', queue: 'jetstream' }),
    inputBytesMax: VALUE_LIMITS.inputBytesMax,
  };
  const role = openCommandRole({
    store: storeOf(parts),
    queue: withWorkTokens(queue, workKey),
    state,
    vault: the(engines.vault, 'key vault'),
    evidence: the(engines.evidence, 'evidence store'),
    policies,
    packages,
    clock,
    entropy,
    metrics,
    log,
    // whoever got through the token of REST, or through the keys of NATS
    authorizer: listedAuthorizer(new Set(['local', ...cluster.nats.callers].map((user) => `user:${user}`))),
    supervision,
    settings,
    tracer: parts.tracer,
    partitions: cluster.partitions,
    wakeUps,
  });
  sampleCommandRole(role, parts);
  const gateway = requireWorkTokens(role.gateway, workKey);
  const serve = (partition: number) => serveCommands(link, { partition, partitions: cluster.partitions, replicas: cluster.nats.replicas, gateway, log });
  return CommandModule.register(role, { ...the(parts.membership, 'leases'), partitions: cluster.partitions, serve });
}

function sampleCommandRole(role: CommandRole, { metrics, engines }: ClusterParts): void {
  const { queue } = the(engines.nats, 'connection to NATS');
  metrics.onScrape(async () => {
    metrics.gauge('mc_open_intents', role.openCount());
    metrics.gauge('mc_open_runs', role.openRunCount());
    metrics.gauge('mc_parked_work', (await queue.parked()).length);
    const lanes = [['policy', 'default'], ...CLASSES.map((runnerClass) => ['task', runnerClass] as const)] as const;
    for (const [kind, workClass] of lanes) {
      const { waiting, leased } = await queue.depth(kind, workClass);
      metrics.gauge('mc_queue_waiting', waiting, { kind, class: workClass });
      metrics.gauge('mc_queue_leased', leased, { kind, class: workClass });
    }
  });
}

async function receiptModule(parts: ClusterParts): Promise<DynamicModule> {
  const { createSigner } = await import('@maestro/adapter-sigstore');
  const { cluster, engines, clock, metrics, log, supervision } = parts;
  const store = storeOf(parts);
  const { signingKeyPem, registry } = the(engines.signingKeys, 'signing key');
  const evidence = the(engines.evidence, 'evidence store');
  const { state } = the(engines.postgres, 'Postgres');
  const verify = ownReceiptVerifier(store, evidence, registry);
  const dependencies = { store, evidence, state, signer: createSigner({ privateKeyPem: signingKeyPem }), clock, metrics, log, supervision, tracer: parts.tracer, tenant: TENANT, verify };
  return ReceiptModule.register(dependencies, { ...the(parts.membership, 'leases'), partitions: cluster.partitions });
}
