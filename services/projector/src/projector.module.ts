import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Shares, projectViews } from '@maestro/runtime';
import type { Membership, ProjectorDependencies, Share } from '@maestro/runtime';

const DEPENDENCIES = Symbol('projector dependencies');
const MEMBERSHIP = Symbol('membership of the projectors');

/** Folds events into query models by subscription. Queries go on with older rows while it is down. */
@Module({})
export class ProjectorModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #dependencies: ProjectorDependencies;
  readonly #shares: Shares | undefined;
  #alone: Share | undefined;

  constructor(@Inject(DEPENDENCIES) dependencies: ProjectorDependencies, @Inject(MEMBERSHIP) membership: Membership | null) {
    this.#dependencies = dependencies;
    if (membership === null) return;
    // query models are one: the others stand by
    this.#shares = new Shares({ ...membership, group: 'projector', names: ['read-models'], open: (_, lost) => projecting(dependencies, lost) });
  }

  /** `membership` absent: this process is the only projector. */
  static register(dependencies: ProjectorDependencies, membership?: Membership): DynamicModule {
    return { module: ProjectorModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }, { provide: MEMBERSHIP, useValue: membership ?? null }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.#shares === undefined) this.#alone = projecting(this.#dependencies, () => undefined);
    await this.#shares?.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#alone?.stop();
    await this.#shares?.stop();
  }
}

/** `ended`: it stopped for a reason that does not pass by itself. */
function projecting(dependencies: ProjectorDependencies, ended: () => void): Share {
  const abort = new AbortController();
  const loop = projectViews(dependencies, abort.signal).catch((error: unknown) => {
    dependencies.log.log('error', 'the projector stopped; lists and searches are no longer brought up to date', { error });
    ended();
  });
  return {
    ready: Promise.resolve(),
    async stop() {
      abort.abort();
      await loop;
    },
  };
}
