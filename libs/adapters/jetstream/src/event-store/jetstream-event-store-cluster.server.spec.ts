import { eventStoreConformance } from '@maestro/conformance';
import { eventStoreHarness } from '../../fixtures/event-store-harness.ts';
import { startNatsCluster, type NatsCluster } from '../../fixtures/nats-server.ts';

const noDelete = 'the stream denies deletes and purges, and hides nothing';

let cluster: NatsCluster;
beforeAll(async () => void (cluster = await startNatsCluster()));
afterAll(() => cluster.dispose());

eventStoreConformance('jetstream-r3', () => eventStoreHarness(cluster.servers, 3), { notApplicable: { 39: noDelete, 40: noDelete }, caseTimeoutMs: 60_000 });
