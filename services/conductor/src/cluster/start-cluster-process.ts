import { systemClock } from '@maestro/adapter-memory';
import type { TaskPackagesOptions } from '@maestro/adapter-workerpool';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Log } from '@maestro/ports';
import type { ReadinessRow } from '@maestro/service-api';
import type { Config } from '../config.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { loopRows } from '../loop-rows.ts';
import { openMetrics } from '../metrics.ts';
import { clusterParts } from './cluster-parts.ts';
import type { ClusterParts } from './cluster-parts.ts';
import { Dependencies } from './dependencies.ts';
import { Ending } from './ending.ts';
import { openEngines } from './open-engines.ts';
import { openOpsListener } from './ops-listener.ts';
import { roleModules } from './role-modules.ts';
import { QUIET, RolesModule } from './roles-module.ts';

/** A process of a cluster that does its work. `url`: REST where it has the api role, else that of health and metrics. */
export type ClusterProcess = { readonly url: string; readonly opsUrl: string; stop(): Promise<void> };

/**
 * Starts the roles of one process of a cluster.
 * C1. Health and readiness can be asked from the beginning; dependencies are waited for in any order, for as long as
 *     `signal` is quiet.
 * C2. What others wait for begins first and ends last: commands, projections and receipts around policy, runner and api.
 * C3. It ends by handing back: nothing new is taken, what is in hand is finished or given back, leases are released, what
 *     was buffered is sent. A part that fails to end does not keep the others from it.
 */
export async function startClusterProcess(config: Config, cluster: ClusterConfig, log: Log, signal: AbortSignal, modules: TaskPackagesOptions['modules']): Promise<ClusterProcess> {
  const metrics = openMetrics();
  const clock = systemClock;
  const dependencies = new Dependencies({ clock, log, signal });
  const ending = new Ending(log);
  let parts: ClusterParts | undefined;
  const readiness = async (): Promise<readonly ReadinessRow[]> => [...(await dependencies.rows()), startRow(parts, ending), ...runningLoops(parts)];
  try {
    const ops = await openOpsListener({ host: config.host, port: cluster.opsPort, readiness, metrics });
    ending.add('the listener of health and metrics', () => ops.stop());
    log.log('info', 'process of a cluster starts', { roles: cluster.roles.join(','), name: cluster.name, ops: ops.url });
    const engines = await openEngines({ cluster, dependencies, clock, log });
    ending.add('engines', () => engines.close());
    const shared = await clusterParts({ config, cluster, engines, clock, metrics, log, modules });
    ending.add('gateway, packages and policies', () => shared.close());
    const { core, edge } = await roleModules(shared);
    await begin(core, 'command, projections and receipts', ending);
    await begin(edge, 'policy and runner', ending);
    const url = cluster.roles.includes('api') ? await (await import('./begin-api.ts')).beginApi(shared, readiness, ending) : ops.url;
    parts = shared;
    return { url, opsUrl: ops.url, stop: () => ending.end() };
  } catch (error) {
    await ending.end();
    throw error;
  }
}

async function begin(modules: readonly DynamicModule[], what: string, ending: Ending): Promise<void> {
  if (modules.length === 0) return;
  const app: INestApplicationContext = await NestFactory.createApplicationContext(RolesModule.of(modules), QUIET);
  ending.add(what, () => app.close());
}

function startRow(parts: ClusterParts | undefined, ending: Ending): ReadinessRow {
  if (ending.hasBegun) return { name: 'roles', ok: false, detail: 'ends: takes nothing new' };
  return { name: 'roles', ok: parts !== undefined, detail: parts === undefined ? 'not begun: dependencies come first' : parts.cluster.roles.join(', ') };
}

/** A loop that was asked to stop belongs to a partition that another process has now. */
function runningLoops(parts: ClusterParts | undefined): readonly ReadinessRow[] {
  return parts === undefined ? [] : loopRows(parts.supervision.loops).filter(({ detail }) => !detail.endsWith('was asked to stop'));
}
