import { readSettings } from './config.ts';
import { runCommandLine } from './program.ts';
import { openScreen } from './screen.ts';

const settings = readSettings(process);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  settings,
  openScreen(process.stdout, process.stderr, settings),
  stop.signal,
);
