import { openMetrics } from '../metrics.ts';
import { openOpsListener } from './ops-listener.ts';

describe('the listener of health and metrics', () => {
  const rows = [{ name: 'nats', ok: false, detail: 'waits' }];
  const open = (port = 0) => openOpsListener({ host: '127.0.0.1', port, readiness: async () => rows, metrics: openMetrics() });

  it('tells that the process lives, whether it is ready and why not, and its metrics', async () => {
    const ops = await open();
    const ask = async (path: string): Promise<readonly [number, string]> => {
      const answer = await fetch(`${ops.url}${path}`);
      return [answer.status, await answer.text()];
    };
    expect(await ask('/healthz')).toEqual([200, 'ok']);
    expect(await ask('/readyz')).toEqual([503, JSON.stringify({ ready: false, checks: rows })]);
    Object.assign(rows[0] as object, { ok: true });
    expect((await ask('/readyz'))[0]).toBe(200);
    expect((await ask('/metrics'))[1]).toContain('process_cpu_seconds_total');
    expect((await ask('/api/executions'))[0]).toBe(404);
    await ops.stop();
    await expect(fetch(`${ops.url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('names a port that is taken', async () => {
    const ops = await open();
    await expect(open(Number(new URL(ops.url).port))).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    await ops.stop();
  });
});
