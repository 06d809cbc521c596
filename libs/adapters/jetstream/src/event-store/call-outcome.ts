import { Fault } from '@maestro/ports';
import { codeOf, isNobodyThere } from '../stream-errors.ts';

/**
 * What an error of one try says. `unknown`: the server may have done it. `nothing`: it has not, and may the next time.
 * `conflict`: the expected sequence is not the stream's. `full`: no room, or the disk fails. `fatal`: each try ends so.
 */
export type TryOutcome = 'unknown' | 'nothing' | 'conflict' | 'full' | 'too-large' | 'denied' | 'closed' | 'fatal';

/** `wrong last sequence`: read at the leader who is right. */
const WRONG_LAST_SEQUENCE = 10_071;
/** `maximum bytes`, and errors of the disk under them; 10023, 10028, 10047: limits of account and server. */
const FULL = new Set([10_077, 10_023, 10_028, 10_047]);
const TOO_LARGE = 10_054;
// 10164: spurious, seen once in 20,000 to 60,000 appends on replicas. 10158: our own earlier try is on its way.
// 10004, 10005: too few servers of the cluster are up to make a stream. 10008, 10009: no leader yet. 10167: the server is busy.
// 10059: the stream is not loaded yet after a start.
const AGAIN = new Set([10_164, 10_158, 10_008, 10_009, 10_167, 10_059, 10_004, 10_005]);

/** An error without a code of the server (a time-out, a lost connection) says nothing of what the server did. */
export function outcomeOf(error: unknown): TryOutcome {
  const code = codeOf(error);
  if (code === WRONG_LAST_SEQUENCE) return 'conflict';
  if (FULL.has(code)) return 'full';
  if (code === TOO_LARGE) return 'too-large';
  if (AGAIN.has(code) || isNobodyThere(error)) return 'nothing';
  const { name, cause } = error instanceof Object ? (error as { name?: string; cause?: { name?: string } }) : {};
  if (name === 'PermissionViolationError' || cause?.name === 'PermissionViolationError') return 'denied';
  if (name === 'ClosedConnectionError' || name === 'DrainingConnectionError') return 'closed';
  return code === 0 ? 'unknown' : 'fatal';
}

/** The fault of an error that no further try mends. */
export function faultOf(error: unknown, what: string): Fault {
  const message = String((error as { message?: unknown } | undefined)?.message ?? error);
  switch (outcomeOf(error)) {
    case 'full':
      return new Fault('STORE_READ_ONLY', `${what}: the server has no room or its disk fails (${message}); free space, or raise its limits`, {
        retryable: true,
        cause: error,
      });
    case 'too-large':
      return new Fault('COMMIT_TOO_LARGE', `${what}: the server takes no message of this size (${message}); raise its max_payload`, { cause: error });
    case 'denied':
      return new Fault('STORE_DENIED', `${what}: the server refuses this user (${message}); compare its permissions`, { cause: error });
    case 'closed':
      return new Fault('STORE_CLOSED', `${what}: the connection to NATS was closed`, { cause: error });
    default:
      return new Fault('STORE_UNAVAILABLE', `${what}: ${message}`, { retryable: true, cause: error });
  }
}
