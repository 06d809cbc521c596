// Jest as always, with the edits of MAESTRO_PLANT.
import config from '../../../jest.config.mjs';
import { fileURLToPath } from 'node:url';

const [[pattern, [, swc]]] = Object.entries(config.transform);

export default {
  ...config,
  rootDir: fileURLToPath(new URL('../../..', import.meta.url)),
  transform: { [pattern]: [fileURLToPath(new URL('transform.mjs', import.meta.url)), swc] },
};
