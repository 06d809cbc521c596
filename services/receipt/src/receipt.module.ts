import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { ReceiptSealer, ReceiptVerifier } from '@maestro/runtime';
import type { ReceiptDependencies, VerifierDependencies } from '@maestro/runtime';

const DEPENDENCIES = Symbol('receipt dependencies');

/** Gives every ended run its signed receipt, and verifies what it has stored. */
@Module({})
export class ReceiptModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #sealer: ReceiptSealer;
  readonly #verifier: ReceiptVerifier;

  constructor(@Inject(DEPENDENCIES) dependencies: ReceiptDependencies & VerifierDependencies) {
    this.#sealer = new ReceiptSealer(dependencies);
    this.#verifier = new ReceiptVerifier(dependencies);
  }

  static register(dependencies: ReceiptDependencies & VerifierDependencies): DynamicModule {
    return { module: ReceiptModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#sealer.start();
    await this.#verifier.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#verifier.stop();
    await this.#sealer.stop();
  }
}
