import { evidenceStoreConformance } from '@maestro/conformance';
import { MemoryEvidenceStore } from './evidence-store.ts';

evidenceStoreConformance(
  'memory',
  async () => {
    const store = new MemoryEvidenceStore();
    return { store, dispose: () => store.close() };
  },
  { notApplicable: { 20: 'keeps no bytes that could rot', 21: 'keeps nothing beyond its process', 25: 'keeps nothing beyond its process' } },
);
