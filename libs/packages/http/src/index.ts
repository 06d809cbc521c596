import type { TaskPackage } from '@maestro/worker';
import { defineGet } from './get.ts';
import { defineRequest } from './request.ts';

/** Address of this module: what a child process imports. */
export const url: string = import.meta.url;
export const packages: readonly TaskPackage[] = [defineGet(), defineRequest()];
