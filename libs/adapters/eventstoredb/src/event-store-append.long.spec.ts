import { eventStoreConformance } from '@maestro/conformance';
import { conformanceOptions, conformanceHarness } from '../fixtures/store-harness.ts';

eventStoreConformance('eventstoredb-append', conformanceHarness({ useBatchAppend: false }), conformanceOptions);
