import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Consumption } from '@maestro/ports';
import { consumeTaskWork } from '@maestro/runtime';
import type { TaskWorkerDependencies } from '@maestro/runtime';

const DEPENDENCIES = Symbol('runner dependencies');
/** What still runs after it is killed and handed out again at the next start. */
const STOP_GRACE_MS = 5_000;

/** Takes task work of its classes, runs packages, reports results by command. Sees no event store and no keys. */
@Module({})
export class RunnerModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #dependencies: TaskWorkerDependencies;
  #consumption: Consumption | undefined;

  constructor(@Inject(DEPENDENCIES) dependencies: TaskWorkerDependencies) {
    this.#dependencies = dependencies;
  }

  static register(dependencies: TaskWorkerDependencies): DynamicModule {
    return { module: RunnerModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }] };
  }

  onApplicationBootstrap(): void {
    this.#consumption = consumeTaskWork(this.#dependencies);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#consumption?.stop(STOP_GRACE_MS);
  }
}
