import { eventStoreConformance } from '@maestro/conformance';
import { conformanceOptions, conformanceHarness } from '../fixtures/store-harness.ts';

eventStoreConformance('eventstoredb-batch', conformanceHarness({ useBatchAppend: true }), conformanceOptions);
