import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReadinessRow } from '@maestro/service-api';
import { listenFault, reachable } from '../listen.ts';
import type { MetricsPage } from '../metrics.ts';

export type OpsListener = { readonly url: string; stop(): Promise<void> };

type Asked = { readonly host: string; readonly port: number; readonly readiness: () => Promise<readonly ReadinessRow[]>; readonly metrics: MetricsPage };

/**
 * What probes and scrapers ask of any process, from before its dependencies are there until it ends: `/healthz` (it lives),
 * `/readyz` (200 where every row is fine, else 503), `/metrics`. Nothing else, and nobody is asked who they are: it tells no
 * user's values. Faults: PORT_IN_USE, PORT_DENIED, ADDRESS_UNAVAILABLE.
 */
export async function openOpsListener({ host, port, readiness, metrics }: Asked): Promise<OpsListener> {
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    switch (path) {
      case '/healthz':
        return send(response, 200, 'text/plain; charset=utf-8', 'ok');
      case '/readyz': {
        const checks = await readiness();
        const ready = checks.every(({ ok }) => ok);
        return send(response, ready ? 200 : 503, 'application/json; charset=utf-8', JSON.stringify({ ready, checks }));
      }
      case '/metrics':
        return send(response, 200, metrics.contentType, await metrics.text());
      default:
        return send(response, 404, 'text/plain; charset=utf-8', 'there are /healthz, /readyz and /metrics');
    }
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://ops').pathname;
    answer(path, response).catch(() => send(response, 500, 'text/plain; charset=utf-8', 'it could not be told'));
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFault(error, { host, port })));
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${reachable(host)}:${bound}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
