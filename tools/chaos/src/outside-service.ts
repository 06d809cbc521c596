import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service outside the system that counts requests and fails the first one for each path below `/flaky/`. */
export type OutsideService = { readonly origin: string; readonly requests: ReadonlyMap<string, number>; close(): Promise<void> };

/** Answers 200 with a JSON body, or 503. Listens on the loopback address. */
export async function openOutsideService(): Promise<OutsideService> {
  const requests = new Map<string, number>();
  const server = createServer(({ url = '/' }, response) => {
    const count = (requests.get(url) ?? 0) + 1;
    requests.set(url, count);
    response.writeHead(count === 1 && url.startsWith('/flaky/') ? 503 : 200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify({ count }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
