import { Fault, isFault, type FaultCode } from '@maestro/ports';

/** Which file a fault is about, and what to do about damage to it. */
export type Concerned = { readonly path: string; readonly remedy: string };

const SOME_DATABASE: Concerned = { path: 'the database file', remedy: 'restore a backup' };

/** A database that is folded from the events can be made again. */
export function derived(path: string): Concerned {
  return { path, remedy: 'it is made again from the events: ./maestro doctor --repair' };
}

/** The event store itself cannot. */
export function original(path: string): Concerned {
  return { path, remedy: './maestro doctor tells what is damaged; restore a backup' };
}

/** A fault as it crosses the thread boundary, where classes are lost. */
export type PlainFault = { readonly code: FaultCode; readonly detail: string; readonly retryable: boolean };

// Primary result codes of SQLite (the low byte of an extended one). Measured: a full disk shows as 13 on write,
// as 1034 (10: fsync) or as 4874 (10: shared memory); all of them pass when space is freed.
const PASSING = new Map([
  [5, 'another process holds the database'],
  [6, 'the database is locked'],
  [7, 'out of memory'],
  [8, 'the file system is read-only'],
  [10, 'the disk is full or failing'],
  [13, 'the disk is full'],
  [14, 'the database file cannot be opened'],
]);
// 1: our own statements do not fit the tables any more.
const DAMAGE = new Set([1, 11, 19, 20, 24, 26]);
/** IOERR_SHORT_READ (the file was cut), IOERR_DATA, IOERR_CORRUPTFS: no free space mends these. */
const DAMAGE_EXTENDED = new Set([522, 8202, 8458]);
// Of a commit: its frames are in the log, whole. IOERR_FSYNC, IOERR_DIR_FSYNC: they may or may not reach the disk.
// IOERR_SHMOPEN, SHMSIZE, SHMLOCK, SHMMAP, NOMEM, IOERR_NOMEM: they did, and only the index of the log was not extended.
const FRAMES_LEFT = new Set([1034, 1290, 4618, 4874, 5130, 5386, 7, 3082]);

function errcodeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode : undefined;
}

/** Whether a commit that failed so has left something that a restart would take for committed. */
export const leavesFrames = (error: unknown): boolean => FRAMES_LEFT.has(errcodeOf(error) ?? 0);

const messageOf = (error: unknown): string => String((error as { message?: unknown }).message ?? error);

/** `SQLite 1034: disk I/O error`, or the message of an error of another kind. */
function describe(error: unknown): string {
  const errcode = errcodeOf(error);
  return errcode === undefined ? messageOf(error) : `SQLite ${errcode}: ${messageOf(error)}`;
}

/** What an error of the database means to callers. Faults pass as they are. */
export function plainFault(error: unknown, { path, remedy }: Concerned = SOME_DATABASE): PlainFault {
  if (isFault(error))
    return { code: error.code, detail: error.message.slice(error.code.length + 2), retryable: error.retryable };
  const errcode = errcodeOf(error) ?? 0;
  const primary = errcode & 0xff;
  const shown = describe(error);
  if (DAMAGE.has(primary) || DAMAGE_EXTENDED.has(errcode)) {
    return {
      code: 'STORE_DAMAGED',
      detail: `${path} is damaged; ${remedy} (${shown})`,
      retryable: false,
    };
  }
  const why = PASSING.get(primary) ?? 'the database refused to write';
  const advice = 'nothing was written; free space or mend the disk, then try again';
  return { code: 'STORE_READ_ONLY', detail: `${why}; ${advice} (${shown})`, retryable: true };
}

/** A commit failed after it was written, and so did taking it back: a restart may find the events or not. */
export function unknownOutcome(error: unknown): PlainFault {
  const detail = `the commit failed after it was written; read the stream back, or send the same events again (${describe(error)})`;
  return { code: 'STORE_OUTCOME_UNKNOWN', detail, retryable: true };
}

export const toFault = (plain: PlainFault, cause?: unknown): Fault =>
  new Fault(plain.code, plain.detail, { retryable: plain.retryable, cause });

/** Runs a read and turns errors of the database into faults. */
export function reading<T>(work: () => T, concerned?: Concerned): T {
  try {
    return work();
  } catch (error) {
    throw isFault(error) ? error : toFault(plainFault(error, concerned), error);
  }
}
