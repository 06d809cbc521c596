import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { FencedState, ReceiptSealer, ReceiptVerifier, Shares, partitionName, partitionView, partitionsOf } from '@maestro/runtime';
import type { Membership, ReceiptDependencies, Share, VerifierDependencies } from '@maestro/runtime';

export type ReceiptRoleDependencies = ReceiptDependencies & VerifierDependencies;
/** How the receipt processes of a cluster divide the runs. */
export type ReceiptDivision = Membership & { readonly partitions: number };

const DEPENDENCIES = Symbol('receipt dependencies');
const DIVISION = Symbol('division of the runs');

/** Gives every ended run its signed receipt, and verifies what it has stored. */
@Module({})
export class ReceiptModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #work: { start(): Promise<void>; stop(): Promise<void> };

  constructor(@Inject(DEPENDENCIES) dependencies: ReceiptRoleDependencies, @Inject(DIVISION) division: ReceiptDivision | null) {
    this.#work = division === null ? sealing(dependencies) : divided(dependencies, division);
  }

  /** `division` absent: this process has all runs to itself. */
  static register(dependencies: ReceiptRoleDependencies, division?: ReceiptDivision): DynamicModule {
    return { module: ReceiptModule, providers: [{ provide: DEPENDENCIES, useValue: dependencies }, { provide: DIVISION, useValue: division ?? null }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#work.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#work.stop();
  }
}

function sealing(dependencies: ReceiptRoleDependencies): { start(): Promise<void>; stop(): Promise<void> } {
  const sealer = new ReceiptSealer(dependencies);
  const verifier = new ReceiptVerifier(dependencies);
  return {
    async start() {
      await sealer.start();
      await verifier.start();
    },
    async stop() {
      await verifier.stop();
      await sealer.stop();
    },
  };
}

function divided(dependencies: ReceiptRoleDependencies, division: ReceiptDivision): Shares {
  const byName = new Map(partitionsOf(division.partitions).map((partition) => [partitionName(partition), partition]));
  const open = (name: string, lost: () => void): Share => {
    const partition = byName.get(name);
    if (partition === undefined) throw new Error(`no partition ${name}`);
    const { store, state } = dependencies;
    const { start, stop } = sealing({ ...dependencies, store: partitionView(store, partition), state: new FencedState(state, lost), share: name });
    return { ready: start(), stop };
  };
  return new Shares({ ...division, group: 'receipt', names: [...byName.keys()], open });
}
