import { setTimeout as delay } from 'node:timers/promises';
import { workQueueConformance } from '@maestro/conformance';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection } from '../connection/nats-connection.ts';
import { JetStreamWorkQueue } from './jetstream-work-queue.ts';

let server: NatsServer;
let deployments = 0;
beforeAll(async () => void (server = await startNatsServer()));
afterAll(() => server.dispose());

workQueueConformance('jetstream', async () => {
  const clock = new ManualClock();
  const link = await openNatsConnection({ servers: [server.url], prefix: `c${(deployments += 1)}` });
  const queue = await JetStreamWorkQueue.open({ link, clock, provisions: true, waitingMax: 20 });
  // delays are the server's, so half of them passes for real: what must not come early has the other half as its margin
  const advance = async (ms: number): Promise<void> => {
    await delay(60);
    clock.advance(ms);
    await delay(Math.min(1_000, ms / 2));
    await link.connection.flush();
  };
  const dispose = async (): Promise<void> => {
    await queue.close();
    await link.close();
  };
  return { queue, waitingMax: 20, advance, dispose };
}, { notApplicable: { 14: 'JetStream hands out in the order of publishing; the dispatcher keeps a run to 32 of a kind in the queue' } });
