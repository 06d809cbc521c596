import { parseArgs } from 'node:util';
import { startEventStoreDouble } from './cluster.ts';
import { startControl } from './control.ts';

/**
 * The double as a program of its own. Its first line on stdout is JSON: connectionString, controlPort, pid. It ends by
 * SIGTERM, SIGINT, or with its parent's pipe where --with-parent is given.
 */
export async function runDouble(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string', default: '1' },
      port: { type: 'string', default: '0' },
      control: { type: 'string', default: '0' },
      log: { type: 'string' },
      'no-batch': { type: 'boolean', default: false },
      'with-parent': { type: 'boolean', default: false },
    },
  });

  const port = Number(values.port);
  const double = await startEventStoreDouble({
    nodeCount: Number(values.nodes),
    batchAppend: !values['no-batch'],
    ...(port > 0 && { port }),
    ...(values.log !== undefined && { logPath: values.log }),
  });
  const control = await startControl(double, Number(values.control));

  function end(): void {
    control.close();
    double.close();
    process.exit(0);
  }
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (values['with-parent']) process.stdin.on('end', end).resume();

  const { connectionString } = double;
  process.stdout.write(`${JSON.stringify({ connectionString, controlPort: control.port, pid: process.pid })}\n`);
}
