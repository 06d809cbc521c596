import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { TaskPackagesOptions } from '@maestro/adapter-workerpool';
import { VALUE_LIMITS } from '@maestro/ports';
import type { Log } from '@maestro/ports';
import { measureAppends, notePolicyActivation, openCommandRole, openSupervision, readPolicyActivations, readTaskLog, SealedValues, StreamTails, tracedEdge, viewPosition } from '@maestro/runtime';
import type { CommandRole, Supervision } from '@maestro/runtime';
import { API_DEFAULTS, configureHttp, createHttpAdapter } from '@maestro/service-api';
import type { ApiDependencies } from '@maestro/service-api';
import { releaseVersion } from './build-info.ts';
import { acceptedRisks } from './backup/accepted-losses.ts';
import { commandRecords } from './command-records.ts';
import { ConductorModule } from './conductor.module.ts';
import type { Config } from './config.ts';
import { openAccessToken } from './access-token.ts';
import { openDataFolder, refusing } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { environmentOf } from './environment.ts';
import { openMetrics } from './metrics.ts';
import type { MetricsPage } from './metrics.ts';
import { openPorts } from './open-ports.ts';
import type { Ports } from './open-ports.ts';
import { ownReceiptVerifier, sentSetVerifier } from './own-receipts.ts';
import { listen } from './listen.ts';
import { announce, namingHolder, withdraw } from './presence.ts';
import { publishedKeys } from './published-keys.ts';
import { readinessOf } from './readiness.ts';
import { CLASSES } from './runner-classes.ts';

/** A conductor that serves. `stop` is idempotent; afterwards the data folder is free. */
export type Conductor = { readonly url: string; stop(): Promise<void> };

const TENANT = 'default';

/**
 * Starts every role on one data folder and serves HTTP.
 * C1. The event store's lock comes first: two conductors never share a folder.
 * C2. Whatever an earlier process left open is taken up before the first request is served.
 * C3. The folder is announced once requests are served, and withdrawn before they no longer are.
 * `modules`: the packages that tasks may use, instead of the shipped ones.
 */
export async function startConductor(config: Config, log: Log, modules?: TaskPackagesOptions['modules']): Promise<Conductor> {
  const folder = openDataFolder(config.dataDir);
  let url: string | null = null;
  const opened = await openPorts(config, folder, () => url, log, modules).catch((error: unknown) => {
    throw namingHolder(folder, error);
  });
  const metrics = openMetrics();
  const ports = { ...opened, store: measureAppends(opened.store, { clock: opened.clock, metrics }) };
  let app: NestFastifyApplication | undefined;
  const stop = async (): Promise<void> => {
    withdraw(folder);
    await app?.close();
    app = undefined;
    await ports.close();
  };
  try {
    await notePolicyActivation(ports.state, ports.policies, ports.clock);
    const supervision = await openSupervision({ ...ports, metrics, log });
    const parts = { config, folder, ports, metrics, log, supervision, url: () => url };
    const command = commandRole(parts);
    const api = apiDependencies({ ...parts, command });
    const composition = { config, ports, command, api, metrics, log, supervision, tenant: TENANT };
    app = await NestFactory.create<NestFastifyApplication>(ConductorModule.register(composition), createHttpAdapter(api.settings), { logger: false, abortOnError: false, bodyParser: false });
    await configureHttp(app, api);
    url = await listen(app, config);
  } catch (error) {
    await stop();
    throw error;
  }
  announce(folder, { pid: process.pid, url, startedAt: new Date().toISOString(), version: releaseVersion() });
  return { url, stop };
}

type Parts = { readonly config: Config; readonly folder: DataFolder; readonly ports: Ports; readonly metrics: MetricsPage; readonly log: Log; readonly supervision: Supervision; readonly url: () => string | null };

function commandRole({ config, folder, ports, metrics, log, supervision, url: conductorUrl }: Parts): CommandRole {
  const settings = {
    tenant: TENANT,
    prices: ports.prices,
    region: config.region,
    requireRegion: config.requireRegion,
    conductorUrl,
    environment: environmentOf(config, ports.policies.active(), acceptedRisks(folder)),
    inputBytesMax: VALUE_LIMITS.inputBytesMax,
  };
  const command = openCommandRole({ ...ports, metrics, log, supervision, settings });
  metrics.onScrape(async () => {
    metrics.gauge('mc_projection_lag_ms', (await viewPosition(ports.store, ports.views, ports.clock)).lagMs);
    metrics.gauge('mc_open_intents', command.openCount());
    metrics.gauge('mc_open_runs', command.openRunCount());
    metrics.gauge('mc_parked_work', (await ports.queue.parked()).length);
    await Promise.all(LANES.map((lane) => gaugeLane(ports, metrics, lane)));
  });
  return command;
}

const LANES = [['policy', 'default'], ...CLASSES.map((runnerClass) => ['task', runnerClass] as const)] as const;

async function gaugeLane({ queue }: Ports, metrics: MetricsPage, [kind, workClass]: (typeof LANES)[number]): Promise<void> {
  const { waiting, leased } = await queue.depth(kind, workClass);
  metrics.gauge('mc_queue_waiting', waiting, { kind, class: workClass });
  metrics.gauge('mc_queue_leased', leased, { kind, class: workClass });
}

function apiDependencies({ config, folder, ports, metrics, command, log, supervision, url }: Parts & { readonly command: CommandRole }): ApiDependencies {
  const { region, requireRegion, host: hostname, port, allowedHosts } = config;
  const token = config.auth === 'token' ? refusing(folder.dir, () => openAccessToken(folder)) : null;
  const values = new SealedValues(ports.vault, ports.entropy, ports.store, ports.evidence);
  return {
    ...ports,
    tails: new StreamTails({ store: ports.store, clock: ports.clock, log }),
    gateway: tracedEdge(command.gateway, ports.tracer),
    commands: commandRecords(ports.views, async () => command.ledger),
    keys: publishedKeys(ports.signingKeys),
    verify: ownReceiptVerifier(ports.store, ports.evidence, ports.signingKeys.registry),
    verifyFiles: sentSetVerifier(ports.signingKeys.registry),
    policyActivations: () => readPolicyActivations(ports.state),
    taskLog: (...asked) => readTaskLog(ports.store, values, ...asked),
    readiness: readinessOf(ports, folder, supervision.loops),
    metrics,
    log,
    settings: { ...API_DEFAULTS, tenant: TENANT, region, requireRegion, hostname, port, allowedHosts, token, conductorUrl: url, version: releaseVersion() },
  };
}
