import { EventLog } from './log.ts';
import { LogFile } from './log-file.ts';
import { DoubleNode } from './node.ts';
import type { Member, NodeOptions } from './node-state.ts';

export type DoubleOptions = NodeOptions & {
  /** default 1; the first one leads */
  readonly nodeCount?: number;
  /** of the first node, the others follow it; default: free ones */
  readonly port?: number;
  /** keeps the log in this file, so that it outlives the process; default: in memory only */
  readonly logPath?: string;
};

/** Names and states of the double's nodes, for whoever watches it. */
export type DoubleStatus = {
  readonly connectionString: string;
  readonly nodes: readonly (Member & { readonly calls: Readonly<Record<string, number>> })[];
  readonly eventCount: number;
};

/**
 * A double of EventStoreDB for tests: some nodes with one log, which do on command what real ones do when they fail.
 * There is no replication and no election protocol: who leads is said from outside, and all nodes see every commit.
 */
export class EventStoreDouble {
  readonly nodes: readonly DoubleNode[];
  readonly #log: EventLog;
  readonly #file: LogFile | undefined;
  /** undefined: an election is on */
  #leader: number | undefined = 0;

  /** Use `startEventStoreDouble`. */
  constructor(o: DoubleOptions) {
    this.#file = o.logPath === undefined ? undefined : new LogFile(o.logPath);
    this.#log = new EventLog(this.#file);
    const members = (): readonly Member[] => this.#members();
    this.nodes = Array.from({ length: o.nodeCount ?? 1 }, () => new DoubleNode(this.#log, members, o));
  }

  get log(): EventLog {
    return this.#log;
  }

  /** For one node its address; for more a list, by which the client asks for the leader. */
  get connectionString(): string {
    const hosts = this.nodes.map(({ endpoint }) => `${endpoint.host}:${endpoint.port}`);
    return `esdb://${hosts.join(',')}?tls=false`;
  }

  get leader(): DoubleNode | undefined {
    return this.#leader === undefined ? undefined : this.nodes[this.#leader];
  }

  /** Undefined: nobody leads until it is called again. */
  lead(index: number | undefined): void {
    this.#leader = index;
  }

  /** The next node that lives leads; the former one, if it lives, follows. */
  moveLeader(): void {
    const count = this.nodes.length;
    const from = this.#leader ?? 0;
    for (let step = 1; step <= count; step += 1) {
      const index = (from + step) % count;
      if (this.nodes[index]?.isAlive === true) return this.lead(index);
    }
    this.lead(undefined);
  }

  hang(): void {
    for (const node of this.nodes) node.faults.hang();
  }

  resume(): void {
    for (const node of this.nodes) node.faults.resume();
  }

  /**
   * Calls of one method over all nodes: `read`, `append`, `batch-append` (streams), `batched` (appends on them),
   * `features`, `gossip`, each also with `+leader`.
   */
  calls(method: string): number {
    return this.nodes.reduce((sum, node) => sum + (node.calls.get(method) ?? 0), 0);
  }

  status(): DoubleStatus {
    const members = this.#members();
    const nodes = this.nodes.map((node, i) => ({ ...(members[i] as Member), calls: Object.fromEntries(node.calls) }));
    return { connectionString: this.connectionString, nodes, eventCount: this.#log.records.length };
  }

  close(): void {
    this.resume();
    for (const node of this.nodes) node.kill();
    this.#file?.close();
  }

  #members(): readonly Member[] {
    return this.nodes.map((node, i) => ({ ...node.endpoint, isLeader: i === this.#leader, isAlive: node.isAlive }));
  }
}

/** Starts all nodes on 127.0.0.1. A fresh log gets a few system events, as every real one has them. */
export async function startEventStoreDouble(o: DoubleOptions = {}): Promise<EventStoreDouble> {
  const double = new EventStoreDouble(o);
  for (const [i, node] of double.nodes.entries()) await node.start(o.port === undefined ? 0 : o.port + i);
  if (double.log.records.length === 0) writeSystemEvents(double.log);
  return double;
}

function writeSystemEvents(log: EventLog): void {
  const event = (type: string, n: number): Parameters<EventLog['append']>[2] => [
    { id: `00000000-0000-4000-8000-00000000000${n}`, type, isJson: true, data: new TextEncoder().encode('{}'), metadata: new Uint8Array(0) },
  ];
  for (const [n, [stream, type]] of [['$users', '$User'], ['$scavenges', '$scavengeIndexInitialized']].entries()) {
    log.append(stream ?? '', -1n, event(type ?? '', n));
  }
}
