import { Fault } from '@maestro/ports';

/** What a failed call means to this adapter. */
export type FailureKind =
  | 'wrong-version'
  | 'stream-deleted'
  | 'stream-missing'
  | 'not-leader' // nothing was done; the next call goes to the leader that was named
  | 'unavailable' // no connection, no leader, a server that stops: a write may have been done
  | 'timed-out' // no answer within the adapter's own limit: a write may have been done
  | 'denied'
  | 'too-large'
  | 'invalid'
  | 'aborted' // the caller's signal
  | 'closed'; // the store was closed meanwhile

const BY_TYPE: Readonly<Record<string, FailureKind>> = {
  'wrong-expected-version': 'wrong-version',
  'stream-deleted': 'stream-deleted',
  'stream-not-found': 'stream-missing',
  'not-leader': 'not-leader',
  'access-denied': 'denied',
  'maximum-append-size-exceeded': 'too-large',
  'invalid-argument': 'invalid',
};
/** Codes of gRPC, for errors that the client passes on as they came. */
const BY_CODE: Readonly<Record<number, FailureKind>> = { 3: 'invalid', 7: 'denied', 8: 'too-large', 16: 'denied' };

/** Why a call failed, as one of a few kinds; the client's own error is its cause. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly kind: FailureKind;
  /** of `wrong-version`: where the stream stands; undefined: it does not exist, or nobody said */
  readonly actual: bigint | undefined;

  constructor(kind: FailureKind, cause: unknown, actual?: bigint) {
    super(`${kind}: ${(cause as { message?: string } | null)?.message ?? String(cause)}`, { cause });
    this.kind = kind;
    this.actual = actual;
  }
}

export const isCallFailure = (error: unknown): error is CallFailure =>
  (error as { name?: unknown } | null)?.name === 'CallFailure';

type ClientError = {
  readonly type?: string;
  readonly code?: number;
  readonly message?: string;
  readonly actualVersion?: bigint | string;
};

/** Sorts an error of the client, which has a type, a gRPC code, both or neither. What nobody knows may have been done. */
export function toCallFailure(error: unknown): CallFailure {
  if (isCallFailure(error)) return error;
  const { type = '', code = -1, message = '', actualVersion } = (error ?? {}) as ClientError;
  const known = BY_TYPE[type] ?? BY_CODE[code];
  if (known === 'wrong-version' && typeof actualVersion === 'bigint') return new CallFailure(known, error, actualVersion);
  if (known !== undefined) return new CallFailure(known, error);
  // the client has no type for the refusal of one event, only for that of a whole append
  if (message.includes('MaximumAppendEventSizeExceeded')) return new CallFailure('too-large', error);
  return new CallFailure('unavailable', error);
}

/** The fault of a call that did nothing, or only read. */
export function faultOf(failure: CallFailure, doing: string): Fault {
  const said = (failure.cause as { message?: string } | null)?.message ?? '';
  const o = { cause: failure.cause };
  switch (failure.kind) {
    case 'aborted':
      return new Fault('ABORTED', `the signal fired while ${doing}`, o);
    case 'closed':
      return new Fault('STORE_CLOSED', `the store was closed while ${doing}; open it again`, o);
    case 'denied':
      return new Fault('STORE_DENIED', `EventStoreDB refuses these credentials while ${doing}: check user, password and access lists (${said})`, o);
    case 'stream-deleted':
      return new Fault('STORE_DAMAGED', `the stream was deleted behind this program while ${doing}; restore a backup`, o);
    case 'invalid':
      // places are all that a request of this adapter can have wrong
      return new Fault('CURSOR_INVALID', `EventStoreDB knows no such place while ${doing} (${said}); start from an earlier checkpoint, or from null`, o);
    case 'too-large':
      return new Fault('COMMIT_TOO_LARGE', `EventStoreDB takes no append of this size while ${doing} (${said}): set appendBytesMax to its limit`, o);
    default:
      return new Fault('STORE_UNAVAILABLE', `EventStoreDB did not answer while ${doing} (${said}); try again`, { ...o, retryable: true });
  }
}
