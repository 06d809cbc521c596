import type { StreamInfo } from '@nats-io/jetstream';
import { Fault } from '@maestro/ports';
import type { NatsLink } from '../connection/nats-connection.ts';

/** What one server says of its own file storage. */
export type SyncReport = { readonly server: string; readonly syncAlways: boolean };

/** Asks the servers; those that are down say nothing. */
export type SyncReporter = () => Promise<readonly SyncReport[]>;

/**
 * What an acknowledged append survives. `synced`: each server that holds the stream reported `sync_interval: always`; those in
 * `unproved` were down when it was asked. `weak`: the operator accepted less; `reasons` say what a power loss could take.
 */
export type Durability =
  | { readonly kind: 'synced'; readonly replicas: number; readonly servers: readonly string[]; readonly unproved: readonly string[] }
  | { readonly kind: 'weak'; readonly replicas: number; readonly reasons: readonly string[] };

const REPORTS_WITHIN_MS = 2_000;

/** Reports over a connection of a user of the system account, who may publish `$SYS.REQ.SERVER.PING.JSZ` and nothing else. */
export function reportsBySystemAccount(system: NatsLink): SyncReporter {
  return async () => {
    const asked = JSON.stringify({ config: true });
    const answers = await system.connection.requestMany('$SYS.REQ.SERVER.PING.JSZ', asked, { strategy: 'stall', stall: 300, maxWait: REPORTS_WITHIN_MS });
    const reports: SyncReport[] = [];
    for await (const answer of answers) {
      if (answer.data.length === 0) continue;
      const { server, data } = answer.json<{ server?: { name?: string }; data?: { config?: { sync_always?: boolean } } }>();
      reports.push({ server: server?.name ?? '', syncAlways: data?.config?.sync_always === true });
    }
    return reports;
  };
}

/** Reports over the monitoring port of each server, `http://host:8222`. */
export function reportsByMonitor(urls: readonly string[]): SyncReporter {
  return async () => {
    const reports = await Promise.all(urls.map(reportOf));
    return reports.filter((report) => report !== undefined);
  };
}

async function reportOf(url: string): Promise<SyncReport | undefined> {
  try {
    const answer = await fetch(new URL('/varz', url), { signal: AbortSignal.timeout(REPORTS_WITHIN_MS) });
    const { server_name: server, jetstream } = (await answer.json()) as { server_name?: string; jetstream?: { config?: { sync_always?: boolean } } };
    return { server: server ?? '', syncAlways: jetstream?.config?.sync_always === true };
  } catch {
    return undefined; // it is down: whether it has to be up is seen from the stream
  }
}

/**
 * Proves that each server that holds the stream syncs every write before it acknowledges it. A peer that the stream reports as
 * offline cannot answer and is named. Fault: DURABILITY_WEAK, unless it is accepted.
 */
export async function proveDurability(info: StreamInfo, connectedTo: string, report: SyncReporter | undefined, acceptWeak: boolean): Promise<Durability> {
  const replicas = info.config.num_replicas;
  const reports = new Map((await report?.())?.map(({ server, syncAlways }) => [server, syncAlways]));
  const peers = peersOf(info, connectedTo);
  const reasons: string[] = [];
  if (report === undefined) reasons.push('no way to ask the servers was given (a user of the system account, or monitoring ports)');
  const unproved: string[] = [];
  for (const { name, isOffline } of report === undefined ? [] : peers) {
    const syncAlways = reports.get(name);
    if (syncAlways === undefined && isOffline) unproved.push(name);
    else if (syncAlways === undefined) reasons.push(`server ${name} gave no report`);
    else if (!syncAlways) reasons.push(`server ${name} does not have sync_interval: always, so acknowledged events wait up to minutes for the disk`);
  }
  if (reasons.length === 0) return { kind: 'synced', replicas, servers: peers.map(({ name }) => name), unproved };
  if (acceptWeak) return { kind: 'weak', replicas, reasons };
  const detail = `the stream ${info.config.name} could lose acknowledged events in a power loss: ${reasons.join('; ')}; correct it, or accept weak durability`;
  throw new Fault('DURABILITY_WEAK', detail);
}

function peersOf({ cluster }: StreamInfo, connectedTo: string): readonly { readonly name: string; readonly isOffline: boolean }[] {
  // a server without a cluster names no leader
  const leader = cluster?.leader ?? connectedTo;
  return [{ name: leader, isOffline: false }, ...(cluster?.replicas ?? []).map(({ name, offline }) => ({ name, isOffline: offline }))];
}
