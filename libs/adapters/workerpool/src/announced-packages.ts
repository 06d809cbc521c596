import { createHash } from 'node:crypto';
import { messageValidators } from '@maestro/contracts';
import type { PackageAnnouncementV1Message } from '@maestro/contracts';
import type { Json, JsonObject } from '@maestro/domain';
import type { PackageDefinition, ResolvedPackage, TaskContext, TaskPackages, TaskResult } from '@maestro/ports';
import { checkOf } from './schema-check.ts';

/** What a part of the conductor takes for a group of its own. */
const RESERVED_GROUPS: ReadonlySet<string> = new Set(['default', 'small', 'medium', 'large']);
const BYTES_MAX = 256 * 1024;
const PACKAGES_MAX = 1_000;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The packages of a deployment: built in, and announced by external workers. */
export type AnnouncedPackages = TaskPackages & {
  /**
   * Takes an announcement as it was published. `key`: `<group>.<name>.<version>` with `_` for each dot of the version, which
   * must be those inside. Null: it is offered from now on; else why not. The same bytes again change nothing, others under
   * the same name and version are refused: what a run is pinned to does not change.
   */
  announce(key: string, bytes: Uint8Array): string | null;
};

/**
 * Adds announced packages to built-in ones. Their work goes to the class of their group, where only their worker takes it.
 * `run` of an announced package fails with PACKAGE_UNKNOWN: it is not run here.
 */
export function withAnnouncedPackages(builtIn: TaskPackages): AnnouncedPackages {
  return new OfferedPackages(builtIn);
}

class OfferedPackages implements AnnouncedPackages {
  readonly #builtIn: TaskPackages;
  readonly #announced = new Map<string, ResolvedPackage>();
  readonly #groups: ReadonlySet<string>;

  constructor(builtIn: TaskPackages) {
    this.#builtIn = builtIn;
    this.#groups = new Set([...RESERVED_GROUPS, ...builtIn.all().map(({ definition }) => groupOf(definition.name))]);
  }

  announce(key: string, bytes: Uint8Array): string | null {
    const announcement = announcementOf(bytes);
    if (typeof announcement === 'string') return announcement;
    const { name, version } = announcement;
    if (keyOf(announcement) !== key) return `it announces ${name}@${version}, which belongs under the key ${keyOf(announcement)}`;
    if (this.#groups.has(groupOf(name))) return `the group ${groupOf(name)} is the conductor's own: choose another one`;
    const resolved = resolvedOf(announcement, bytes);
    if (typeof resolved === 'string') return resolved;
    const known = this.#announced.get(resolved.uses);
    if (known !== undefined) return known.digest === resolved.digest ? null : `${resolved.uses} was announced before with other content: raise its version`;
    if (this.#announced.size >= PACKAGES_MAX) return `${PACKAGES_MAX} packages are announced already`;
    this.#announced.set(resolved.uses, resolved);
    return null;
  }

  resolve(uses: string): ReturnType<TaskPackages['resolve']> {
    const announced = this.#announced.get(uses);
    if (announced !== undefined) return announced;
    const found = this.#builtIn.resolve(uses);
    if (found.kind === 'resolved') return found;
    const sameName = [...this.#announced.keys()].filter((known) => known.startsWith(`${uses.split('@')[0]}@`));
    return sameName.length > 0 ? { ...found, known: sameName } : { ...found, known: [...found.known, ...this.#announced.keys()].sort() };
  }

  all(): readonly ResolvedPackage[] {
    return [...this.#builtIn.all(), ...this.#announced.values()];
  }

  run(uses: string, input: Json, context: TaskContext, signal: AbortSignal): Promise<TaskResult> {
    return this.#builtIn.run(uses, input, context, signal);
  }

  close(): Promise<void> {
    return this.#builtIn.close();
  }
}

/** `pkg:py/upper` → `py` */
function groupOf(name: string): string {
  return name.slice('pkg:'.length).split('/')[0] ?? '';
}

function keyOf({ name, version }: PackageAnnouncementV1Message): string {
  return `${name.slice('pkg:'.length).replace('/', '.')}.${version.replaceAll('.', '_')}`;
}

function announcementOf(bytes: Uint8Array): PackageAnnouncementV1Message | string {
  if (bytes.length > BYTES_MAX) return `${bytes.length} bytes; at most ${BYTES_MAX}`;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return 'it is not JSON';
  }
  const validate = messageValidators['package-announcement.v1'];
  if (validate(value)) return value;
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message ?? 'is invalid'}`).join('; ');
}

function resolvedOf(announcement: PackageAnnouncementV1Message, bytes: Uint8Array): ResolvedPackage | string {
  const { name, version, description, fenced, expectedDurationMs } = announcement;
  const [inputSchema, outputSchema] = [announcement.inputSchema as JsonObject, announcement.outputSchema as JsonObject];
  for (const schema of [inputSchema, outputSchema]) {
    if (schema['type'] !== 'object' || schema['additionalProperties'] !== false) return 'its schemas must be of closed objects';
  }
  const definition: PackageDefinition = { name, version, description, inputSchema, outputSchema, inline: false, fenced, expectedDurationMs };
  const [checkInput, checkOutput] = [checkOf(inputSchema), checkOf(outputSchema)];
  try {
    // compiled at its first use: a schema that cannot be must not be found out by a run
    checkInput({});
    checkOutput({});
  } catch {
    return 'its schemas are not JSON Schema 2020-12';
  }
  const digest = createHash('sha256').update(bytes).digest('hex');
  return Object.freeze({ kind: 'resolved', uses: `${name}@${version}`, definition, digest, workClass: groupOf(name), checkInput, checkOutput });
}
