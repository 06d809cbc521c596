import { evidenceStoreConformance } from '@maestro/conformance';
import { MemoryEvidenceStore } from './evidence-store.ts';

evidenceStoreConformance(
  'memory',
  async () => {
    const store = new MemoryEvidenceStore();
    return { store, dispose: () => store.close() };
  },
  ['reopen', 'damage'],
);
