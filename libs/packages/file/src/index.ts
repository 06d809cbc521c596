import type { TaskPackage } from '@maestro/worker';
import { digest } from './digest.ts';
import { read } from './read.ts';
import { write } from './write.ts';

/** Address of this module: what a child process imports. */
export const url: string = import.meta.url;
export const packages: readonly TaskPackage[] = [digest, read, write];
