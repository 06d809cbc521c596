import { configuredDataDir } from './config-file.ts';
import { readSettings } from './config.ts';
import { terminalOf } from './live/terminal.ts';
import { runCommandLine } from './program.ts';
import { whenReaderIsGone } from './reader-gone.ts';
import { openScreen } from './screen.ts';

const settings = readSettings(process, await configuredDataDir(process.env, process.cwd()));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));
// what is under way ends in order, and a conductor with it
whenReaderIsGone([process.stdout, process.stderr], () => stop.abort('SIGPIPE'));
const terminal = settings.isLive ? terminalOf(process.stderr) : undefined;
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  settings,
  openScreen(process.stdout, process.stderr, { ...settings, terminal }),
  stop.signal,
);
