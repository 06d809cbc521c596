import type { ManifestV1 } from '@maestro/contracts';
import type { JsonObject } from '../json.ts';

/** One task as the manifest writes it. */
export type ManifestTask = ManifestV1['tasks'][number];

/** Bounds of v1, checked beyond the schema. */
export const MANIFEST_LIMITS = { tasksMax: 1_000, bytesMax: 256 * 1024, literalBytesMax: 64 * 1024, versionLengthMax: 64, regionLengthMax: 64 } as const;

/** What the manifest needs to know of a package version to be checked and planned. */
export type PackageFacts = {
  readonly digest: string;
  readonly fenced: boolean;
  readonly expectedDurationMs: number;
  /** problems of a `with` as far as it is literal; strings with expressions are left out of the judgement */
  readonly checkInput: (value: JsonObject) => readonly { readonly pointer: string; readonly message: string }[];
};

/** Exact package version → facts; undefined: unknown. */
export type FindPackage = (uses: string) => PackageFacts | undefined;

/** `with` of a task, never undefined. */
export function withOf(task: ManifestTask): JsonObject {
  return (task.with ?? {}) as JsonObject;
}
