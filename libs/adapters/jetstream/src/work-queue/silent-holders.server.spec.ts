import { jetstreamManager } from '@nats-io/jetstream';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';
import { openNatsConnection } from '../connection/nats-connection.ts';
import { JetStreamWorkQueue } from './jetstream-work-queue.ts';

/** A check that nobody answered denies its run. */
const POLICY_DEADLINE_MS = 30_000;

describe('work whose holder is silent', () => {
  let server: NatsServer;
  beforeAll(async () => void (server = await startNatsServer()));
  afterAll(() => server.dispose());

  it('is handed out again several times before the deadline of a check, and later where it is a task', async () => {
    const link = await openNatsConnection({ servers: [server.url] });
    const queue = await JetStreamWorkQueue.open({ link, clock: new ManualClock(), provisions: true });
    try {
      const { consumers } = await jetstreamManager(link.connection);
      const waitMs = async (consumer: string): Promise<number> => ((await consumers.info('MC_WORK', consumer)).config.ack_wait ?? 0) / 1_000_000;
      expect(await waitMs('w-policy-default')).toBeLessThanOrEqual(POLICY_DEADLINE_MS / 3);
      expect(await waitMs('w-task-small')).toBe(30_000);
    } finally {
      await queue.close();
      await link.close();
    }
  });
});
