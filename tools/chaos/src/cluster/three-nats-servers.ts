import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '@maestro/cli/cluster';
import type { MemberPlan, PlannedServers } from '@maestro/cli/cluster';

type Node = { readonly name: string; readonly client: number; readonly monitor: number; readonly route: number };

export const FURTHER = ['nats-2', 'nats-3'] as const;

/**
 * Makes the one NATS server of a plan a cluster of three, which keeps three copies of everything. `companions`: the other
 * two, which have to be started with the first: none of them is healthy alone.
 */
export class ThreeNatsServers {
  #nodes: readonly Node[] = [];

  async companions(nats: MemberPlan): Promise<readonly MemberPlan[]> {
    const ports = await freePorts(1 + 3 * FURTHER.length);
    const [firstRoute = 0, ...rest] = ports;
    const first = { name: nats.name, client: 0, monitor: 0, route: firstRoute };
    this.#nodes = FURTHER.map((name, i) => ({ name, client: rest[3 * i] ?? 0, monitor: rest[3 * i + 1] ?? 0, route: rest[3 * i + 2] ?? 0 }));
    const all = [first, ...this.#nodes];
    const conf = nats.args[1] ?? '';
    const text = readFileSync(conf, 'utf8');
    const routes = all.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(', ');
    const clustered = (node: Node, own: string): string => `${own}cluster { name: chaos, listen: "127.0.0.1:${node.route}", routes: [${routes}] }\n`;
    writeFileSync(conf, clustered(first, text));
    return this.#nodes.map((node) => {
      const own = text
        .replace(/^listen: .*$/m, `listen: "127.0.0.1:${node.client}"`)
        .replace(/^http: .*$/m, `http: "127.0.0.1:${node.monitor}"`)
        .replace(/^server_name: .*$/m, `server_name: ${node.name}`)
        .replace(/store_dir: "[^"]*"/, `store_dir: ${JSON.stringify(join(nats.cwd, node.name))}`);
      const path = join(nats.cwd, `${node.name}.conf`);
      writeFileSync(path, clustered(node, own));
      return { ...nats, name: node.name, args: ['-c', path], log: join(nats.cwd, 'logs', `${node.name}.log`), ready: { url: `http://127.0.0.1:${node.monitor}/healthz` }, url: `nats://127.0.0.1:${node.client}` };
    });
  }

  /** What roles are told beside the first server. */
  flags({ natsMonitor }: PlannedServers): readonly string[] {
    const monitors = [natsMonitor, ...this.#nodes.map(({ monitor }) => `http://127.0.0.1:${monitor}`)];
    return ['--nats-servers', this.#nodes.map(({ client }) => `nats://127.0.0.1:${client}`).join(','), '--nats-monitors', monitors.join(','), '--nats-replicas', '3'];
  }
}
