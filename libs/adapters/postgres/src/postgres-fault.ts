import { Fault, isFault } from '@maestro/ports';

/** SQLSTATEs after which the same transaction may simply be tried again: another one was in its way. */
const CONTENTION = new Set(['40001', '40P01']);

/** What is said of the ones that pass; nothing was written. https://www.postgresql.org/docs/15/errcodes-appendix.html */
const PASSING: ReadonlyMap<string, string> = new Map([
  ['40001', 'transactions of others were in the way'],
  ['40P01', 'transactions of others were in the way'],
  ['53100', 'the disk of Postgres is full: free space there'],
  ['53200', 'Postgres is out of memory'],
  ['53400', 'a limit of Postgres is reached'],
  ['54000', 'a limit of Postgres is reached'],
  ['25006', 'Postgres takes no writes: it is a standby, or was set to read-only'],
  ['55P03', 'another transaction holds the lock'],
  ['57014', 'Postgres took longer than the time limit of statements'],
  ['58030', 'the disk of Postgres is failing'],
]);

/** Data or an index is corrupted; or our own statements do not fit the tables any more. */
const DAMAGE = new Set(['XX001', 'XX002', '42P01', '42703']);

/** Of the server at connect, or when it shuts down; and of the network. */
const UNAVAILABLE = new Set([
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '3D000',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The driver gives these no code. */
const LOST =
  /connection terminated|connection error|timeout exceeded when trying to connect|query read timeout|client was closed|not queryable|timeout expired/i;

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '');
const messageOf = (error: unknown): string => String((error as { message?: unknown } | null)?.message ?? error);

/** The connection is gone, or was never there: a transaction that was not being committed is undone. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  return UNAVAILABLE.has(code) || code.startsWith('08') || (code === '' && LOST.test(messageOf(error)));
}

/** The connection may still be there, and nothing comes over it: the next one would only be waited for as long. */
export function isSilence(error: unknown): boolean {
  return /query read timeout/i.test(messageOf(error));
}

/** Trying the same transaction again is all that is needed. */
export function isContention(error: unknown): boolean {
  return CONTENTION.has(codeOf(error));
}

/** A table that is not there. */
export function isMissingTable(error: unknown): boolean {
  return codeOf(error) === '42P01';
}

/** What an error of Postgres means to callers; `doing` says what was tried. Faults and bugs pass as they are. */
export function postgresFault(error: unknown, doing: string): unknown {
  if (isFault(error)) return error;
  const code = codeOf(error);
  const shown = code === '' ? messageOf(error) : `${code}: ${messageOf(error)}`;
  const passing = PASSING.get(code);
  if (passing !== undefined)
    return new Fault('STORE_READ_ONLY', `${doing}: ${passing}; nothing was written, try again (${shown})`, { retryable: true, cause: error });
  if (DAMAGE.has(code))
    return new Fault(
      'STORE_DAMAGED',
      `${doing}: the tables in Postgres are damaged or not those of this release; restore them, or have them made again from the events (${shown})`,
      { cause: error },
    );
  if (code.startsWith('28'))
    return new Fault('STORE_DENIED', `${doing}: Postgres refuses this user: correct the connection string, or its pg_hba.conf (${shown})`, { cause: error });
  if (isConnectionLoss(error))
    return new Fault('STORE_UNAVAILABLE', `${doing}: Postgres does not answer: start it, or correct the connection string (${shown})`, {
      retryable: true,
      cause: error,
    });
  return error;
}

/** The answer to a commit was lost. */
export function unknownOutcome(error: unknown, doing: string): Fault {
  return new Fault('STORE_OUTCOME_UNKNOWN', `${doing}: the connection broke while Postgres was committing; read it again (${messageOf(error)})`, {
    retryable: true,
    cause: error,
  });
}
