import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { serverEnvironment } from '@maestro/chaos';
import { endOfLog, startCluster, stopCluster } from '@maestro/cli/cluster';
import type { Member, Scale } from '@maestro/cli/cluster';
import { processesBelow, processUsage } from './process-usage.ts';
import type { ProcessUsage } from './process-usage.ts';
import type { Served } from './served.ts';

/** One process of each role: all of them share the cores of one machine. */
const SCALE: Scale = { api: 1, command: 1, policy: 1, runner: 1, projector: 1, receipt: 1 };

/** Said with the figures: what an acknowledged command has cost. */
export const CLUSTER_PROFILE = 'cluster on this machine (one process of each role; events in JetStream on one nats-server with sync_interval always, proved at the start; Postgres with fsync on; evidence in versitygw)';

/** A local cluster of real servers and role processes, on the disk of `folder`; its data is deleted when it stops. */
export async function serveCluster(folder: string, say: (text: string) => void): Promise<Served> {
  const stop = async (): Promise<void> => {
    await stopCluster(folder, { isDeleted: true, tell: () => undefined });
  };
  // Postgres may have to run as another user, who has to pass through
  chmodSync(dirname(folder), 0o711);
  try {
    const { members } = await startCluster({ folder, scale: SCALE, store: 'jetstream', workspace: folder, environment: serverEnvironment, tell: say });
    const roles = members.filter(({ kind }) => kind === 'role');
    return {
      name: 'cluster',
      says: CLUSTER_PROFILE,
      url: urlOf(roles.find(({ name }) => name.startsWith('api-'))),
      metricsUrls: roles.map(({ ready }) => new URL('url' in ready ? ready.url : '').origin),
      said: () => roles.map((member) => `${member.name}: ${endOfLog(member)}`).join('\n'),
      usage: () => usageOf(members),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function urlOf(member: Member | undefined): string {
  const url = member?.url ?? null;
  if (url === null) throw new Error('the cluster has no api process');
  return url;
}

/** Processor time and bytes of all; memory of the largest role process. */
function usageOf(members: readonly Member[]): ProcessUsage {
  const all = members.flatMap(({ pid }) => processesBelow(pid).map(processUsage));
  const sum = (of: (usage: ProcessUsage) => number | null): number => all.reduce((total, usage) => total + (of(usage) ?? 0), 0);
  const roles = members.filter(({ kind }) => kind === 'role').map(({ pid }) => processUsage(pid).rssBytes ?? 0);
  return { cpuMs: sum(({ cpuMs }) => cpuMs), writtenBytes: sum(({ writtenBytes }) => writtenBytes), rssBytes: Math.max(...roles) };
}
