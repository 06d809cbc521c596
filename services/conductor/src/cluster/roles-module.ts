import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';

/** The modules of some roles of this process. */
@Module({})
export class RolesModule {
  static of(imports: readonly DynamicModule[]): DynamicModule {
    return { module: RolesModule, imports: [...imports] };
  }
}

/** Options of every Nest application of a process: its own log tells what happens. */
export const QUIET = { logger: false, abortOnError: false } as const;
