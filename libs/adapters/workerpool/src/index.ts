export { openTaskPackages } from './task-packages.ts';
export type { TaskPackagesOptions } from './task-packages.ts';
