import type { TaskPackage } from '@maestro/worker';
import { echo } from './echo.ts';
import { fail } from './fail.ts';
import { sleep } from './sleep.ts';

/** Address of this module: what a child process imports. */
export const url: string = import.meta.url;
export const packages: readonly TaskPackage[] = [echo, fail, sleep];
