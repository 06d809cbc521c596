import { setTimeout as delay } from 'node:timers/promises';
import { askJetStream, withNats } from './ask-nats.ts';
import type { ClusterSite } from './cluster-site.ts';

const SERVERS = ['nats', 'nats-2', 'nats-3'] as const;

/** Name of the NATS server of three that leads the stream of events, as any of them says; asked again while there is none. */
export async function leaderOfEvents(site: ClusterSite, random: () => number): Promise<string> {
  const asked = SERVERS[Math.floor(random() * SERVERS.length)] ?? 'nats';
  return withNats(site.member(asked).url ?? '', async (nats) => {
    for (;;) {
      const { cluster } = await askJetStream<{ readonly cluster?: { readonly leader?: string } }>(nats, `STREAM.INFO.${nats.names.stream('ev')}`);
      if (cluster?.leader) return cluster.leader;
      await delay(100);
    }
  });
}
