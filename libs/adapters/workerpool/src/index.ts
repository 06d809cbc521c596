export { withAnnouncedPackages } from './announced-packages.ts';
export type { AnnouncedPackages } from './announced-packages.ts';
export { openTaskPackages } from './task-packages.ts';
export type { TaskPackagesOptions } from './task-packages.ts';
