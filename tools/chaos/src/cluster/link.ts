import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * What a link does to its connections. `cut`: all break, and new ones at once; `slow`: bytes come late, in both directions;
 * `half-open`: what is sent arrives, no answer comes; `parted`: nothing passes, and goes on later.
 */
export const LINK_FAULTS = ['cut', 'slow', 'half-open', 'parted'] as const;
export type LinkFault = (typeof LINK_FAULTS)[number];

const SLOW_MS = 250;

/**
 * Stands between one process and one server.
 * L1. A fault is for all connections of the link, those that are there and those that come, until `heal`.
 * L2. `harmed` counts what took effect: connections that broke, and pieces of bytes that were late, lost or held back.
 * L3. Nothing passes out of order. A connection that lost bytes is broken when the link heals.
 */
export class Link {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #fault: LinkFault | undefined;
  #harmed = 0;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on('connection', (near) => this.#connected(near));
  }

  static async open(targetPort: number): Promise<Link> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    return new Link(server, targetPort);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get harmed(): number {
    return this.#harmed;
  }

  get isUsed(): boolean {
    return this.#pairs.size > 0;
  }

  harm(fault: LinkFault): void {
    this.#fault = fault;
    for (const pair of this.#pairs) {
      if (fault === 'cut') this.#break(pair);
      if (fault === 'parted') for (const socket of pair) socket.pause();
    }
    if (fault === 'parted') this.#harmed += this.#pairs.size;
  }

  heal(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    for (const pair of this.#pairs) {
      if (fault === 'half-open') for (const socket of pair) socket.destroy();
      if (fault === 'parted') for (const socket of pair) socket.resume();
    }
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(near: Socket): void {
    const far = connect(this.#targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      from.on('data', (bytes) => this.#pass(bytes, to, to === near));
      if (this.#fault === 'parted') from.pause();
    }
    if (this.#fault === 'cut') this.#break(pair);
  }

  #pass(bytes: Buffer, to: Socket, isAnswer: boolean): void {
    if (this.#fault === 'half-open' && isAnswer) {
      this.#harmed += 1;
    } else if (this.#fault === 'slow') {
      this.#harmed += 1;
      // what is corked keeps its order, whatever is written meanwhile
      to.cork();
      to.write(bytes);
      setTimeout(() => to.uncork(), SLOW_MS);
    } else to.write(bytes);
  }

  #break(pair: readonly [Socket, Socket]): void {
    this.#harmed += 1;
    for (const socket of pair) socket.destroy();
  }
}
