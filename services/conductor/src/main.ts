import 'reflect-metadata';
import { boundHeapGrowth } from './heap-growth.ts';
import { runConductor } from './run-conductor.ts';

boundHeapGrowth();
await runConductor({
  args: process.argv.slice(2),
  environment: process.env,
  cwd: process.cwd(),
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  exit: (code) => process.exit(code),
  onStopRequest(stop, withParent) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
    if (withParent) process.stdin.on('end', () => stop('the parent ended')).resume();
  },
  onLostRejection: (tell) => process.on('unhandledRejection', tell),
});
