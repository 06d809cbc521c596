import { isFault } from '@maestro/ports';
import type { Log } from '@maestro/ports';
import type { Conductor } from './conductor.ts';
import { parseConfig } from './config.ts';
import type { Config } from './config.ts';
import { openLog } from './log.ts';
import { SHIPPED_PACKAGES } from './shipped-packages.ts';

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
  let starting: Promise<Conductor & { readonly opsUrl?: string }> | undefined;
  const asked = new AbortController();
  around.onStopRequest((reason) => {
    if (asked.signal.aborted) return;
    asked.abort();
    log.log('info', 'stopping', { reason });
    // whoever asked kills what takes longer; a process of a cluster leaves nothing behind that another one does not take up
    if (config.cluster !== null) setTimeout(() => endLate(around, log), DRAIN_MS).unref();
    // a start that fails meanwhile has told so and ended
    void starting?.then((conductor) => conductor.stop()).then(() => around.exit(EXIT.ok), () => undefined);
  }, config.exitWithParent);
  around.onLostRejection((error) => log.log('error', 'a promise was rejected and nobody looked', { error }));
  try {
    starting = start(config, log, asked.signal);
    const { url, opsUrl } = await starting;
    const opened = config.cluster === null ? { dataDir: config.dataDir, workspaceDir: config.workspaceDir } : { opsUrl, name: config.cluster.name, roles: config.cluster.roles, workspaceDir: config.workspaceDir };
    around.say(JSON.stringify({ ready: true, url, pid: process.pid, ...opened }));
  } catch (error) {
    // it waited for what it depends on, and was asked to end
    if (asked.signal.aborted && config.cluster !== null) return around.exit(EXIT.ok);
    if (!isFault(error)) log.log('error', 'the conductor could not start', { error });
    around.complain(`maestro: ${isFault(error) ? error.message : `START_FAILED: ${(error as Error).message}`}`);
    around.exit(EXIT.startFailed);
  }
}

/** milliseconds from the request to end; ten seconds after it the process is gone */
const DRAIN_MS = 9_500;

async function start(config: Config, log: Log, signal: AbortSignal): Promise<Conductor & { readonly opsUrl?: string }> {
  // finding and reading modules is most of a start: each way loads only its own
  if (config.cluster === null) {
    const { startConductor } = await import('./conductor.ts');
    return startConductor(config, log);
  }
  const { startClusterProcess } = await import('./cluster/start-cluster-process.ts');
  return startClusterProcess(config, config.cluster, log, signal, SHIPPED_PACKAGES);
}

function endLate(around: Surroundings, log: Log): void {
  log.log('warn', 'what was in hand took too long; others take it up', { afterMs: DRAIN_MS });
  around.exit(EXIT.ok);
}
