import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { LoopHealth } from '@maestro/runtime';
import type { ReadinessRow } from '@maestro/service-api';
import type { DataFolder } from './data-folder.ts';
import { loopRows } from './loop-rows.ts';
import type { Ports } from './open-ports.ts';

/** One row per dependency, and one per loop that goes on in the background; all must be fine for `/readyz` to answer 200. */
export function readinessOf(ports: Ports, folder: DataFolder, loops: LoopHealth): () => Promise<readonly ReadinessRow[]> {
  const row = async (name: string, probe: () => Promise<string>): Promise<ReadinessRow> => {
    try {
      return { name, ok: true, detail: await probe() };
    } catch (error) {
      return { name, ok: false, detail: (error as Error).message };
    }
  };
  return async () => [
    ...(await Promise.all([
      row('event-store', async () => `head ${(await ports.store.head()) ?? 'empty'}`),
      row('read-models', async () => `at ${(await ports.views.position()) ?? 'start'}`),
      row('evidence', async () => access(folder.evidence, constants.W_OK).then(() => 'writable')),
      row('policy', async () => `set ${ports.policies.active().setDigest}`),
      row('work-queue', async () => `${(await ports.queue.depth('task')).waiting} tasks waiting`),
    ])),
    ...loopRows(loops),
  ];
}
