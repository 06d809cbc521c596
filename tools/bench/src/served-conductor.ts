import { ConductorProcess, freePort } from '@maestro/chaos';
import { processUsage } from './process-usage.ts';
import type { Served } from './served.ts';

/** A conductor in a process of its own. */
export async function serveConductor(dataDir: string): Promise<Served> {
  const conductor = await ConductorProcess.start({ dataDir, port: await freePort(Math.random) });
  return {
    name: 'rest',
    says: 'a conductor process over REST',
    url: conductor.url,
    metricsUrls: [conductor.url],
    said: () => conductor.said(),
    usage: () => processUsage(conductor.pid),
    stop: async () => {
      const code = await conductor.stop();
      if (code !== 0) throw new Error(`the conductor ended with ${code}`);
    },
  };
}
