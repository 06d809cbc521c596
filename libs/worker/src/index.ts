export { definePackage } from './define-package.ts';
export type { PackageContext, PackageDescription, PackageModule, TaskPackage } from './define-package.ts';
export { TASK_ERROR_CODE, TaskError, isTaskError } from './task-error.ts';
export { WORKSPACE_PATH_SCHEMA, openWorkspaceFile, readWorkspaceFile, writeWorkspaceFile } from './workspace-file.ts';

/** Address of this module: the digest of a package covers the SDK that it is built on. */
export const url: string = import.meta.url;
