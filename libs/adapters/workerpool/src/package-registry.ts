import type { PackageDefinition, ResolvedPackage, UnknownPackage } from '@maestro/ports';
import type { PackageModule, TaskPackage } from '@maestro/worker';
import { url as sdkUrl } from '@maestro/worker';
import { codeDigest, packageDigest } from './package-digest.ts';
import { checkOf } from './schema-check.ts';

/** A package with what the port says of it, and where a child process finds it. */
export type Registered = {
  readonly resolved: ResolvedPackage;
  readonly taskPackage: TaskPackage;
  readonly moduleUrl: string;
};

/** The packages of a deployment by `uses`, fixed at start. */
export class PackageRegistry {
  readonly #byUses: ReadonlyMap<string, Registered>;

  /** Throws when two modules bring the same package version: which one ran would depend on their order. */
  constructor(modules: readonly PackageModule[]) {
    const byUses = new Map<string, Registered>();
    for (const { url, packages } of modules) {
      const code = codeDigest([url, sdkUrl]);
      for (const taskPackage of packages) {
        const resolved = resolvedOf(taskPackage, code);
        if (byUses.has(resolved.uses)) throw new TypeError(`${resolved.uses} is given twice`);
        byUses.set(resolved.uses, { resolved, taskPackage, moduleUrl: url });
      }
    }
    this.#byUses = new Map([...byUses].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  find(uses: string): Registered | undefined {
    return this.#byUses.get(uses);
  }

  /** `known` helps to correct: the versions of that package, or all packages if there is none of that name. */
  resolve(uses: string): ResolvedPackage | UnknownPackage {
    const found = this.find(uses);
    if (found !== undefined) return found.resolved;
    const all = [...this.#byUses.keys()];
    const sameName = all.filter((known) => known.startsWith(`${uses.split('@')[0]}@`));
    return { kind: 'unknown', uses, known: sameName.length > 0 ? sameName : all };
  }

  all(): readonly ResolvedPackage[] {
    return [...this.#byUses.values()].map(({ resolved }) => resolved);
  }
}

function resolvedOf(taskPackage: TaskPackage, code: string): ResolvedPackage {
  const { name, version, description, inputSchema, outputSchema, inline, fenced, expectedDurationMs } = taskPackage;
  const definition: PackageDefinition = {
    name,
    version,
    description,
    inputSchema,
    outputSchema,
    inline,
    fenced,
    expectedDurationMs,
  };
  return Object.freeze({
    kind: 'resolved',
    uses: `${name}@${version}`,
    definition,
    digest: packageDigest(definition, code),
    checkInput: checkOf(inputSchema),
    checkOutput: checkOf(outputSchema),
  });
}
