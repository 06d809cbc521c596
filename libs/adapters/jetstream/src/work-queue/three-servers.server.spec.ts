import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { CommandEnvelope, Work } from '@maestro/ports';
import { realClock } from '../../fixtures/manual-clock.ts';
import { startNatsCluster, type NatsCluster } from '../../fixtures/nats-server.ts';
import { NatsCommandGateway } from '../commands/nats-command-gateway.ts';
import { serveCommands } from '../commands/serve-commands.ts';
import { openNatsConnection, type NatsLink } from '../connection/nats-connection.ts';
import { JetStreamWorkQueue } from './jetstream-work-queue.ts';

const COUNT = 300;
const PARTITIONS = 2;

describe('three servers, of which the leader is killed under load', () => {
  let cluster: NatsCluster;
  let link: NatsLink;
  beforeAll(async () => {
    cluster = await startNatsCluster();
    link = await openNatsConnection({ servers: cluster.urls });
  }, 90_000);
  afterAll(async () => {
    await link.close();
    await cluster.dispose();
  }, 60_000);

  async function killLeaderOf(kind: string): Promise<void> {
    const { streams } = await jetstreamManager(link.connection, { checkAPI: false });
    const { cluster: group } = await streams.info(link.names.stream(kind));
    const leader = cluster.byName(group?.leader ?? '');
    await leader.kill();
    await delay(500);
    await leader.restart();
  }

  it('hand out all work that was published', async () => {
    const queue = await JetStreamWorkQueue.open({ link, clock: realClock, provisions: true, replicas: 3 });
    const seen = new Set<string>();
    const consumption = queue.consume('task', async ({ work: { intentId } }) => {
      await delay(2);
      seen.add(intentId);
      return { kind: 'ack' };
    }, { concurrencyMax: 16 });
    const works = Array.from({ length: COUNT }, (_, i): Work => ({ kind: 'task', intentId: `i${i}`, workClass: 'small', executionId: 'execution-1', payload: null }));
    const published = works.map((work, i) => delay(i * 5).then(() => queue.publish([work])));
    await Promise.all([killLeaderOf('WORK'), ...published]);
    while (seen.size < COUNT) await delay(50);
    await consumption.stop(5_000);
    await queue.close();
    expect(seen.size).toBe(COUNT);
  }, 90_000);

  it('carry every command to its answer', async () => {
    const log = { log: (): void => {} };
    const owners = Array.from({ length: PARTITIONS }, (_, partition) => serveCommands(link, { partition, partitions: PARTITIONS, replicas: 3, gateway: { send: async ({ commandId }) => ({ kind: 'ok', position: commandId, result: {} }) }, log }));
    const gateway = new NatsCommandGateway(link, { partitions: PARTITIONS, streamOf: ({ correlationId }) => correlationId, deadlineMs: 40_000 });
    const envelope = (i: number): CommandEnvelope => ({
      command: { type: 'execution.cancel.v1', payload: { executionId: `run-${i}`, reason: null, comment: '' } },
      commandId: hash('sha256', `${i}`), tenant: 'default', actor: 'user:ada', correlationId: `run-${i}`, causationId: null,
    });
    await gateway.send(envelope(COUNT));
    const sent = Array.from({ length: COUNT }, (_, i) => delay(i * 5).then(() => gateway.send(envelope(i))));
    const [, ...answers] = await Promise.all([killLeaderOf('CMD'), ...sent]);
    expect(answers.map((answer, i) => answer.kind === 'ok' && answer.position === envelope(i).commandId)).toEqual(answers.map(() => true));
    gateway.close();
    await Promise.all(owners.map((owner) => owner.stop(1_000)));
  }, 90_000);
});
