import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { projectViews } from '@maestro/runtime';
import type { ProjectorDependencies } from '@maestro/runtime';

const DEPENDENCIES = Symbol('projector dependencies');

/** Folds events into query models by subscription. Queries go on with older rows while it is down. */
@Module({})
export class ProjectorModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #dependencies: ProjectorDependencies;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(@Inject(DEPENDENCIES) dependencies: ProjectorDependencies) {
    this.#dependencies = dependencies;
  }

  static register(dependencies: ProjectorDependencies): DynamicModule {
    return { module: ProjectorModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }] };
  }

  onApplicationBootstrap(): void {
    this.#loop = projectViews(this.#dependencies, this.#abort.signal).catch((error: unknown) =>
      this.#dependencies.log.log('error', 'the projector stopped; lists and searches are no longer brought up to date', { error }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }
}
