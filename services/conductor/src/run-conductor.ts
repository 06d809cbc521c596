import { isFault } from '@maestro/ports';
import { startConductor } from './conductor.ts';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';
import { openLog } from './log.ts';

/** What of a process a conductor needs. */
export type Surroundings = {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** one line for whoever started it: ready, and where */
  say(line: string): void;
  /** one line about why it did not start */
  complain(line: string): void;
  exit(code: number): void;
  /** `withParent`: the end of standard input asks as well */
  onStopRequest(stop: (reason: string) => void, withParent: boolean): void;
  onLostRejection(tell: (error: unknown) => void): void;
};

/** Ending on request is a success. */
const EXIT = { ok: 0, startFailed: 1, usage: 2 } as const;

/**
 * One conductor from start to end. Says `{"ready":true,url,pid,dataDir,workspaceDir}` once requests are served; a start that fails
 * complains in one line, `maestro: <CODE>: <what and what to do>`.
 */
export async function runConductor(around: Surroundings): Promise<void> {
  const parsed = parseConfig(around.args, around.environment, around.cwd);
  if (parsed.kind === 'faults') {
    for (const fault of parsed.faults) around.complain(`maestro: CONFIG_INVALID: ${fault}`);
    return around.exit(EXIT.usage);
  }
  const { config } = parsed;
  const log = openLog(config.logLevel);
  let starting: Promise<Conductor> | undefined;
  let isStopping = false;
  around.onStopRequest((reason) => {
    if (isStopping) return;
    isStopping = true;
    log.log('info', 'stopping', { reason });
    // a start that fails meanwhile has told so and ended
    void starting?.then((conductor) => conductor.stop()).then(() => around.exit(EXIT.ok));
  }, config.exitWithParent);
  around.onLostRejection((error) => log.log('error', 'a promise was rejected and nobody looked', { error }));
  try {
    starting = startConductor(config, log);
    const { url } = await starting;
    around.say(JSON.stringify({ ready: true, url, pid: process.pid, dataDir: config.dataDir, workspaceDir: config.workspaceDir }));
  } catch (error) {
    if (!isFault(error)) log.log('error', 'the conductor could not start', { error });
    around.complain(`maestro: ${isFault(error) ? error.message : `START_FAILED: ${(error as Error).message}`}`);
    around.exit(EXIT.startFailed);
  }
}
