import type { TaskPackage } from '@maestro/worker';
import { query } from './query.ts';
import { validate } from './validate.ts';

/** Address of this module: what a child process imports. */
export const url: string = import.meta.url;
export const packages: readonly TaskPackage[] = [query, validate];
