import type { Json, JsonObject } from '@maestro/domain';
import type { UnparsedJson } from './large-values.ts';

/** What a package version says of itself; its digest covers this and its code. */
export type PackageDefinition = {
  /** `pkg:<group>/<name>` */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** JSON Schema 2020-12 of `with` after expressions */
  readonly inputSchema: JsonObject;
  /** JSON Schema 2020-12 of the output; properties marked `"x-public": true` are copied in clear into the event */
  readonly outputSchema: JsonObject;
  /** runs in the conductor's own process */
  readonly inline: boolean;
  /** wants `task-started` with a lease before it runs */
  readonly fenced: boolean;
  /** what the price of its class is multiplied by in estimates */
  readonly expectedDurationMs: number;
};
export type ResolvedPackage = {
  readonly kind: 'resolved';
  readonly uses: string;
  readonly definition: PackageDefinition;
  /** 64 hex */
  readonly digest: string;
  /** where its work goes, whatever the class of its task; absent: to the runners of that class */
  readonly workClass?: string;
  /** checks `with` (or an output); pointers are RFC 6901; empty: it fits. `partial`: only literals are known */
  checkInput(value: Json, o?: { readonly partial?: boolean }): readonly { readonly pointer: string; readonly message: string }[];
  checkOutput(value: Json): readonly { readonly pointer: string; readonly message: string }[];
};
export type UnknownPackage = { readonly kind: 'unknown'; readonly uses: string; readonly known: readonly string[] };

export type TaskContext = {
  readonly executionId: string;
  readonly taskId: string;
  readonly attempt: number;
  /** the same for all attempts and resumes of this task */
  readonly idempotencyKey: string;
  readonly conductorUrl: string | null;
  readonly timeoutMs: number;
};

export type TaskFailure = { readonly code: string; readonly message: string; readonly retryable: boolean };
export type TaskResult =
  | { readonly kind: 'succeeded'; readonly output: Json | UnparsedJson; readonly log: string }
  | { readonly kind: 'failed'; readonly failure: TaskFailure; readonly log: string }
  | { readonly kind: 'timed-out'; readonly log: string }
  | { readonly kind: 'cancelled'; readonly log: string };

/**
 * The packages that this deployment can run. `run` never rejects for what a package does: a crash, an exit, too much
 * memory, too much output are results. It rejects only when it was closed.
 * `log` is stdout, stderr and ctx.log together, ≤ 1 MiB, a cut marked.
 */
export interface TaskPackages {
  /** `uses` = `pkg:<group>/<name>@<exact version>` */
  resolve(uses: string): ResolvedPackage | UnknownPackage;
  all(): readonly ResolvedPackage[];
  /** `signal` aborted: the task gets its signal, a grace time, then it is killed; answers `cancelled`. */
  run(uses: string, input: Json, context: TaskContext, signal: AbortSignal): Promise<TaskResult>;
  close(): Promise<void>;
}
