import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';

/** Below the range that outgoing connections draw from, so that nothing takes a port while its process is started again. */
const PORT_MIN = 20_000;
const PORT_END = 32_000;

/** Ports of loopback that nobody listens on; all are held until the last is found, so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = randomInt(PORT_MIN, PORT_END);
    const holder = held.has(port) ? undefined : await listening(port);
    if (holder !== undefined) held.set(port, holder);
  }
  await Promise.all([...held.values()].map((holder) => new Promise((resolve) => holder.close(resolve))));
  return [...held.keys()];
}

/** Undefined: somebody listens there. */
function listening(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const holder = createServer();
    holder.once('error', () => resolve(undefined));
    holder.listen(port, '127.0.0.1', () => resolve(holder));
  });
}
