import 'reflect-metadata';
import { isFault } from '@maestro/ports';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';
import { openLog } from './log.ts';

/** 128 + number of the signal would say that it was killed; ending on request is a success. */
const EXIT = { ok: 0, startFailed: 1, usage: 2 } as const;

const parsed = parseConfig(process.argv.slice(2), process.env, process.cwd());
if (parsed.kind === 'faults') {
  for (const fault of parsed.faults) process.stderr.write(`maestro: CONFIG_INVALID: ${fault}\n`);
  process.exit(EXIT.usage);
}
const { config } = parsed;
const log = openLog(config.logLevel);

let conductor: Conductor | undefined;
let stopping = false;
async function stop(reason: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.log('info', 'stopping', { reason });
  await conductor?.stop();
  process.exit(EXIT.ok);
}
process.on('SIGTERM', () => void stop('SIGTERM'));
process.on('SIGINT', () => void stop('SIGINT'));
if (config.exitWithParent) process.stdin.on('end', () => void stop('the parent ended')).resume();
process.on('unhandledRejection', (error) => log.log('error', 'a promise was rejected and nobody looked', { error }));

try {
  conductor = await startConductor(config, log);
  process.stdout.write(`${JSON.stringify({ ready: true, url: conductor.url, pid: process.pid, dataDir: config.dataDir })}\n`);
} catch (error) {
  const text = isFault(error) ? error.message : `START_FAILED: ${(error as Error).message}`;
  if (!isFault(error)) log.log('error', 'the conductor could not start', { error });
  process.stderr.write(`maestro: ${text}\n`);
  process.exit(EXIT.startFailed);
}
