import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Shares, partitionName, partitionsOf } from '@maestro/runtime';
import type { CommandRole, Membership, Share } from '@maestro/runtime';

/** Commands that are being taken; `stop` waits for those in hand. */
type Serving = { stop(graceMs: number): Promise<void> };
/** How the command processes of a cluster divide the streams; `serve` takes the commands of one partition. */
export type CommandDivision = Membership & { readonly partitions: number; readonly serve: (partition: number) => Serving };

const ROLE = Symbol('command role');
const DIVISION = Symbol('division of the streams');
/** for commands in hand, when a partition is handed over */
const STOP_GRACE_MS = 3_000;

/** Owns aggregates: decides, appends, dispatches work, fires timers. Its ports are injected by whoever composes it. */
@Module({})
export class CommandModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #role: CommandRole;
  readonly #shares: Shares | undefined;

  constructor(@Inject(ROLE) role: CommandRole, @Inject(DIVISION) division: CommandDivision | null) {
    this.#role = role;
    if (division === null) return;
    const byName = new Map(partitionsOf(division.partitions).map((partition) => [partitionName(partition), partition.index]));
    this.#shares = new Shares({ ...division, group: 'command', names: [...byName.keys()], open: (name, lost) => share(role, division, byName.get(name) ?? 0, lost) });
  }

  /** `division` absent: this process has all streams to itself. */
  static register(role: CommandRole, division?: CommandDivision): DynamicModule {
    return { module: CommandModule, providers: [{ provide: ROLE, useValue: role }, { provide: DIVISION, useValue: division ?? null }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#role.start();
    await this.#shares?.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#shares?.stop();
    await this.#role.stop();
  }
}

/** One partition: commands come once what is open is known, and go before it is handed over. */
function share(role: CommandRole, { serve }: CommandDivision, partition: number, lost: () => void): Share {
  const dispatching = role.openPartition(partition, lost);
  let serving: Serving | undefined;
  let isStopped = false;
  const begin = async (): Promise<void> => {
    await dispatching.ready;
    if (!isStopped) serving = serve(partition);
  };
  return {
    ready: begin(),
    async stop() {
      isStopped = true;
      await serving?.stop(STOP_GRACE_MS);
      await dispatching.stop();
    },
  };
}
