export { EXIT, exitCodeOfVerdict } from './exit-codes.ts';
