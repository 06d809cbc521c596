// A Jest transform that compiles as always, after edits that bring an old fault back. Nothing on the disk is changed.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readPlant } from './plant.mjs';

const swc = createRequire(import.meta.url)('@swc/jest');

// oxlint-disable-next-line import/no-default-export -- Jest takes a transformer from the default export
export default {
  createTransformer(config) {
    const inner = swc.createTransformer(config);
    const plant = readPlant();
    return {
      canInstrument: false,
      getCacheKey: (source, file, options) => createHash('sha256').update(inner.getCacheKey(source, file, options)).update(plant.apply(file, source)).digest('hex'),
      process: (source, file, options) => inner.process(plant.apply(file, source), file, options),
      processAsync: (source, file, options) => inner.processAsync(plant.apply(file, source), file, options),
    };
  },
};
