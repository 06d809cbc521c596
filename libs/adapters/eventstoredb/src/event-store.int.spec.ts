import { eventStoreConformance } from '@maestro/conformance';
import { doubleHarness, realHarness } from '../fixtures/store-harness.ts';

// The same suite twice, as the client appends in two ways. Where MAESTRO_ESDB_URL names a real server it runs there.
const url = process.env['MAESTRO_ESDB_URL'];
const noHook = 'needs the double: a real server does not hang, cut connections or lose its leader on command';
const o = url === undefined ? {} : { notApplicable: { 14: noHook, 37: noHook, 38: noHook }, caseTimeoutMs: 60_000 };

for (const [name, useBatchAppend] of [['eventstoredb-append', false], ['eventstoredb-batch', true]] as const) {
  const factory = () => (url === undefined ? doubleHarness({ batchAppend: useBatchAppend }) : realHarness(url, { useBatchAppend }));
  eventStoreConformance(name, factory, o);
}
