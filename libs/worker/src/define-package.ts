import type { Json, JsonObject } from '@maestro/domain';

/** What a task is given beside its input. */
export type PackageContext = {
  readonly executionId: string;
  readonly taskId: string;
  /** 1 for the first */
  readonly attempt: number;
  /** the same for all attempts and resumes of this task: hand it to whatever must not happen twice */
  readonly idempotencyKey: string;
  readonly conductorUrl: string | null;
  /** of this attempt, counted from its start */
  readonly timeoutMs: number;
  /** fires on cancel; a grace time later the process is killed */
  readonly signal: AbortSignal;
  /** one line of the attempt's log (at most 1 MiB in all, the rest is cut) */
  readonly log: (text: string) => void;
  /** given by the deployment, the same for all packages: see the settings that each group documents */
  readonly settings: JsonObject;
};

/** What a package version says of itself, without its code. */
export type PackageDescription = {
  /** `pkg:<group>/<name>` */
  readonly name: string;
  /** exact, semver */
  readonly version: string;
  readonly description: string;
  /** JSON Schema 2020-12 of `with` after expressions: an object, closed */
  readonly inputSchema: JsonObject;
  /** JSON Schema 2020-12 of the output: an object, closed. Properties with `"x-public": true` are recorded in clear */
  readonly outputSchema: JsonObject;
  /** runs in the host's own process: only for code that cannot block, crash or grow */
  readonly inline: boolean;
  /** wants a lease recorded before it runs, so that only one runner can report it */
  readonly fenced: boolean;
  /** typical run time: weighs the price of its class in estimates */
  readonly expectedDurationMs: number;
};

/** A package version that can run. `run` is called with an input that fits `inputSchema`; it may be called twice. */
export type TaskPackage = PackageDescription & {
  readonly run: (input: Json, context: PackageContext) => Json | Promise<Json>;
};

/** What a group of packages exports from its index. */
export type PackageModule = {
  /** of the index itself, `import.meta.url`: a child process imports it, and its sources are digested from here */
  readonly url: string;
  readonly packages: readonly TaskPackage[];
};

type Definition<Input extends Json, Output extends Json> = Omit<PackageDescription, 'inline' | 'fenced'> & {
  readonly inline?: boolean;
  readonly fenced?: boolean;
  readonly run: (input: Input, context: PackageContext) => Output | Promise<Output>;
};

const NAME = /^pkg:[a-z0-9-]+\/[a-z0-9-]+$/;
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9a-z.-]+)?$/;

/**
 * Declares one package version. `Input` is what `inputSchema` lets through: the host checks it before every run, and
 * the output after it. Throws a TypeError that names all that is wrong with the definition.
 */
export function definePackage<Input extends Json, Output extends Json>(o: Definition<Input, Output>): TaskPackage {
  const problems = [
    NAME.test(o.name) ? '' : 'name must be pkg:<group>/<name>',
    VERSION.test(o.version) ? '' : 'version must be an exact semver',
    isClosed(o.inputSchema) ? '' : 'inputSchema must be a closed object schema',
    isClosed(o.outputSchema) ? '' : 'outputSchema must be a closed object schema',
    o.expectedDurationMs >= 0 ? '' : 'expectedDurationMs must be 0 or more',
  ].filter((problem) => problem !== '');
  if (problems.length > 0) throw new TypeError(`${o.name}@${o.version}: ${problems.join('; ')}`);
  const run = (input: Json, context: PackageContext): Output | Promise<Output> => o.run(input as Input, context);
  return Object.freeze({ ...o, inline: o.inline ?? false, fenced: o.fenced ?? false, run });
}

// A closed schema refuses a misspelt option at publish; an open one ignores it in silence at every run.
function isClosed(schema: JsonObject): boolean {
  return schema['type'] === 'object' && schema['additionalProperties'] === false;
}
