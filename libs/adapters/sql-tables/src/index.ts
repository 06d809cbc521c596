export { stateDigest } from './state-digest.ts';
