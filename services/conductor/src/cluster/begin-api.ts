import { openCallerMessages } from '@maestro/adapter-jetstream';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { apiModule, configureHttp, createHttpAdapter, openNatsEdge, queriesOf } from '@maestro/service-api';
import type { ApiDependencies, NatsEdge, ReadinessRow } from '@maestro/service-api';
import { listen } from '../listen.ts';
import { apiPorts } from './api-ports.ts';
import { the } from './cluster-parts.ts';
import type { ClusterParts } from './cluster-parts.ts';
import type { Ending } from './ending.ts';
import { QUIET, RolesModule } from './roles-module.ts';

/** for requests over NATS in hand; the same order as other graces, all of which fit into the ten seconds of a drain */
const EDGE_GRACE_MS = 3_000;

/** REST and commands over NATS of a process with the api role; answers the URL. Loaded by no other process: it is a third of all modules. */
export async function beginApi(parts: ClusterParts, readiness: () => Promise<readonly ReadinessRow[]>, ending: Ending): Promise<string> {
  const api = apiPorts(parts, readiness);
  const app = await NestFactory.create<NestFastifyApplication>(RolesModule.of([apiModule(api)]), createHttpAdapter(api.settings), { ...QUIET, bodyParser: false });
  ending.add('requests over REST', () => app.close());
  await configureHttp(app, api);
  const url = await listen(app, parts.config);
  const natsEdge = openApiNatsEdge(app, parts, api);
  ending.add('commands over NATS', () => natsEdge.stop(EDGE_GRACE_MS));
  return url;
}

function openApiNatsEdge(app: NestFastifyApplication, { clock, entropy, metrics, log, cluster, engines }: ClusterParts, { gateway, settings }: ApiDependencies): NatsEdge {
  const messages = openCallerMessages(the(engines.nats, 'connection to NATS').link, log, { replicas: cluster.nats.replicas });
  return openNatsEdge({ messages, gateway, queries: queriesOf(app), settings, workers: new Set(cluster.nats.workers), clock, entropy, metrics, log });
}
