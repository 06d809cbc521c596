import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Consumption } from '@maestro/ports';
import { consumePolicyWork } from '@maestro/runtime';
import type { PolicyWorkerDependencies } from '@maestro/runtime';

const DEPENDENCIES = Symbol('policy dependencies');
const STOP_GRACE_MS = 5_000;

/** Takes policy work, evaluates compiled packs, reports decisions by command. Sees no event store. */
@Module({})
export class PolicyModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #dependencies: PolicyWorkerDependencies;
  #consumption: Consumption | undefined;

  constructor(@Inject(DEPENDENCIES) dependencies: PolicyWorkerDependencies) {
    this.#dependencies = dependencies;
  }

  static register(dependencies: PolicyWorkerDependencies): DynamicModule {
    return { module: PolicyModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }] };
  }

  onApplicationBootstrap(): void {
    this.#consumption = consumePolicyWork(this.#dependencies);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#consumption?.stop(STOP_GRACE_MS);
  }
}
