import { eventStoreConformance } from '@maestro/conformance';
import { eventStoreHarness } from '../../fixtures/event-store-harness.ts';
import { startNatsServer, type NatsServer } from '../../fixtures/nats-server.ts';

const noDelete = 'the stream denies deletes and purges, and hides nothing';

let server: NatsServer;
beforeAll(async () => void (server = await startNatsServer()));
afterAll(() => server.dispose());

eventStoreConformance('jetstream-r1', () => eventStoreHarness([server], 1), { notApplicable: { 39: noDelete, 40: noDelete }, caseTimeoutMs: 60_000 });
