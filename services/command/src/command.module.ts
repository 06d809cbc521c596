import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { CommandRole } from '@maestro/runtime';

const ROLE = Symbol('command role');

/** Owns aggregates: decides, appends, dispatches work, fires timers. Its ports are injected by whoever composes it. */
@Module({})
export class CommandModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #role: CommandRole;

  constructor(@Inject(ROLE) role: CommandRole) {
    this.#role = role;
  }

  static register(role: CommandRole): DynamicModule {
    return { module: CommandModule, providers: [{ provide: ROLE, useValue: role }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#role.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#role.stop();
  }
}
