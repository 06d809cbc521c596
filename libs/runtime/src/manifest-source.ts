import { planOf } from '@maestro/domain';
import type { FindPackage, Plan, StreamName } from '@maestro/domain';
import type { ManifestV1 } from '@maestro/contracts';
import { Fault } from '@maestro/ports';
import type { EventStore, TaskPackages } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { recordedOf } from './recorded-events.ts';

const PLANS_CACHED_MAX = 200;

export type KnownManifest = { readonly manifest: ManifestV1; readonly plan: Plan };

/** What a manifest needs to know of packages, from the port. */
export function findPackageIn(packages: TaskPackages): FindPackage {
  return (uses) => {
    const found = packages.resolve(uses);
    if (found.kind === 'unknown') return undefined;
    const { fenced, expectedDurationMs } = found.definition;
    return { digest: found.digest, fenced, expectedDurationMs, checkInput: (value) => found.checkInput(value, { partial: true }) };
  };
}

/** Published manifests by digest: content-addressed, so that what was read once never changes. */
export class ManifestSource {
  readonly #store: EventStore;
  readonly #packages: TaskPackages;
  readonly #findPackage: FindPackage;
  readonly #known = new LRUCache<string, KnownManifest>({ max: PLANS_CACHED_MAX });

  constructor(store: EventStore, packages: TaskPackages) {
    this.#store = store;
    this.#packages = packages;
    this.#findPackage = findPackageIn(packages);
  }

  /** Which runners take a task: those of its class, or the worker that announced its package. */
  workClassOf({ uses, class: ownClass }: { readonly uses: string; readonly class: string }): string {
    const found = this.#packages.resolve(uses);
    return (found.kind === 'resolved' ? found.workClass : undefined) ?? ownClass;
  }

  /** The manifest that the draft at a revision of a workflow's stream holds. */
  async at(stream: StreamName, draftRevision: number, digest: string): Promise<KnownManifest> {
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    const page = await this.#store.readStream(stream, { from: BigInt(draftRevision), direction: 'forward', limit: 1 });
    const stored = page.kind === 'page' ? page.events[0] : undefined;
    const event = stored === undefined ? undefined : recordedOf(stored).event;
    if (event?.type !== 'workflow.draft-saved.v1') throw new Fault('STORE_DAMAGED', `no manifest at revision ${draftRevision} of ${stream}`);
    const manifest = event.data.manifest as unknown as ManifestV1;
    const made = { manifest, plan: planOf(manifest, this.#findPackage) };
    this.#known.set(digest, made);
    return made;
  }
}
