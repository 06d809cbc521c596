export { definePackage } from './define-package.ts';
export type { PackageContext, PackageDescription, PackageModule, TaskPackage } from './define-package.ts';
export { TASK_ERROR_CODE, TaskError, isTaskError } from './task-error.ts';
export { WORKSPACE_PATH_SCHEMA, openWorkspaceFile, readWorkspaceFile, writeWorkspaceFile } from './workspace-file.ts';
