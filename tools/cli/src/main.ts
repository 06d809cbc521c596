import { configuredDataDir } from './config-file.ts';
import { readSettings } from './config.ts';
import { terminalOf } from './live/terminal.ts';
import { runCommandLine } from './program.ts';
import { openScreen } from './screen.ts';

const settings = readSettings(process, await configuredDataDir(process.env, process.cwd()));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));
// a reader that has left (`| head`) asks for no more; what is under way ends in order, and a conductor with it
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    stop.abort('SIGPIPE');
  });
}
const terminal = settings.isLive ? terminalOf(process.stderr) : undefined;
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  settings,
  openScreen(process.stdout, process.stderr, { ...settings, terminal }),
  stop.signal,
);
