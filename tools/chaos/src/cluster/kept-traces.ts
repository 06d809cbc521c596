import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterEvents } from './cluster-events.ts';
import type { ClusterSite } from './cluster-site.ts';

/** Beside the figures: logs and history of the last cluster that broke a promise. */
const FOLDER = fileURLToPath(new URL('../../../../.cache/chaos/cluster-traces/', import.meta.url));

/** Keeps what tells why, before the cluster goes; answers where. */
export async function keepTraces(site: ClusterSite, folder = FOLDER): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(site.folder, 'logs'), join(folder, 'logs'), { recursive: true });
  const events = await clusterEvents(site.servers);
  writeFileSync(join(folder, 'events.jsonl'), events.map(({ bytes }) => `${Buffer.from(bytes).toString('utf8')}\n`).join(''));
  return folder;
}
