import type { Log } from '@maestro/ports';
import { pino } from 'pino';
import type { Config } from './config.ts';

/** JSON lines on standard error; the fields come from the program's own words, never from users' values. */
export function openLog(level: Config['logLevel']): Log {
  const logger = pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
  return {
    log(at, message, { error, ...fields } = {}) {
      logger[at](error === undefined ? fields : { ...fields, err: error }, message);
    },
  };
}
