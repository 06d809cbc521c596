import { readModelsConformance } from '@maestro/conformance';
import { MemoryReadModels } from './read-models.ts';

readModelsConformance(
  'memory',
  async () => {
    const views = new MemoryReadModels();
    return { open: async () => views, dispose: () => views.close() };
  },
  { notApplicable: { 8: 'nothing is kept between openings', 20: 'nothing is kept between openings' } },
);
