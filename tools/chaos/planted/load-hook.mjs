// `node --import`: the edits of MAESTRO_PLANT for modules that Node loads itself, in this thread and in those that it starts.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { readPlant } from './plant.mjs';

const plant = readPlant();

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context);
    const path = fileURLToPath(url);
    const source = readFileSync(path, 'utf8');
    const edited = plant.apply(path, source);
    return edited === source ? nextLoad(url, context) : { format: 'module-typescript', source: edited, shortCircuit: true };
  },
});
