import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { CommandModule } from '@maestro/service-command';
import { PolicyModule } from '@maestro/service-policy';
import { ProjectorModule } from '@maestro/service-projector';
import { ReceiptModule } from '@maestro/service-receipt';
import { RunnerModule } from '@maestro/service-runner';
import { apiModule } from '@maestro/service-api';
import type { ApiDependencies } from '@maestro/service-api';
import type { Log, Metrics } from '@maestro/ports';
import type { CommandRole, Supervision } from '@maestro/runtime';
import type { Config } from './config.ts';
import type { Ports } from './open-ports.ts';
import { CLASSES } from './runner-classes.ts';

/** What the roles of one process share. */
export type Composition = {
  readonly config: Config;
  readonly ports: Ports;
  readonly command: CommandRole;
  readonly api: ApiDependencies;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly supervision: Supervision;
  readonly tenant: string;
};

/** All roles in one process: the embedded default. Each gets its ports here and knows no other role. */
@Module({})
export class ConductorModule {
  static register({ config, ports, command, api, metrics, log, supervision, tenant }: Composition): DynamicModule {
    const { gateway } = command;
    const shared = { ...ports, gateway, metrics, log, supervision, tenant };
    const runner = { ...shared, runner: 'runner:embedded', classes: CLASSES, concurrencyMax: config.tasksMax };
    return {
      module: ConductorModule,
      imports: [
        apiModule(api),
        CommandModule.register(command),
        PolicyModule.register(shared),
        RunnerModule.register(runner),
        ProjectorModule.register(shared),
        ReceiptModule.register({ ...shared, verify: api.verify }),
      ],
    };
  }
}
