import { CommandLedger, SealedValues, StreamTails, readPolicyActivations, readTaskLog, tracedEdge, viewPosition } from '@maestro/runtime';
import { API_DEFAULTS } from '@maestro/service-api';
import type { ApiDependencies, ReadinessRow } from '@maestro/service-api';
import { releaseVersion } from '../build-info.ts';
import { commandRecords } from '../command-records.ts';
import { ownReceiptVerifier, sentSetVerifier } from '../own-receipts.ts';
import { publishedKeys } from '../published-keys.ts';
import { TENANT, storeOf, the } from './cluster-parts.ts';
import type { ClusterParts } from './cluster-parts.ts';

/** What the api role of a cluster touches: everything that others own is only read. */
export function apiPorts(parts: ClusterParts, readiness: () => Promise<readonly ReadinessRow[]>): ApiDependencies {
  const { config, cluster, engines, policies, packages, prices, clock, entropy, metrics, log } = parts;
  const store = storeOf(parts);
  const { state, views } = the(engines.postgres, 'Postgres');
  const evidence = the(engines.evidence, 'evidence store');
  const keys = the(engines.publicKeys, 'key registry');
  const values = new SealedValues(the(engines.vault, 'key vault'), entropy, store, evidence);
  metrics.onScrape(async () => metrics.gauge('mc_projection_lag_ms', (await viewPosition(store, views, clock)).lagMs));
  const { region, requireRegion, host: hostname, port, allowedHosts } = config;
  const token = config.auth === 'token' ? the(cluster.accessToken ?? undefined, 'access token').reveal() : null;
  return {
    gateway: tracedEdge(the(parts.gateway, 'gateway'), parts.tracer),
    // those that handle commands write down what they refused
    commands: commandRecords(views, async () => {
      const refusals = new CommandLedger(state, clock);
      await refusals.load();
      return refusals;
    }),
    store,
    tails: new StreamTails({ store, clock, log }),
    views,
    evidence,
    policies,
    packages,
    prices,
    keys: publishedKeys(keys),
    verify: ownReceiptVerifier(store, evidence, keys.registry),
    verifyFiles: sentSetVerifier(keys.registry),
    policyActivations: () => readPolicyActivations(state),
    taskLog: (...asked) => readTaskLog(store, values, ...asked),
    readiness,
    clock,
    entropy,
    metrics,
    log,
    settings: { ...API_DEFAULTS, tenant: TENANT, region, requireRegion, hostname, port, allowedHosts, token, conductorUrl: () => cluster.publicUrl, version: releaseVersion() },
  };
}
