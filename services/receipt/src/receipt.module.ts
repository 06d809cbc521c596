import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { ReceiptSealer } from '@maestro/runtime';
import type { ReceiptDependencies } from '@maestro/runtime';

const DEPENDENCIES = Symbol('receipt dependencies');

/** Gives every ended run its signed receipt. */
@Module({})
export class ReceiptModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #sealer: ReceiptSealer;

  constructor(@Inject(DEPENDENCIES) dependencies: ReceiptDependencies) {
    this.#sealer = new ReceiptSealer(dependencies);
  }

  static register(dependencies: ReceiptDependencies): DynamicModule {
    return { module: ReceiptModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#sealer.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#sealer.stop();
  }
}
