/** Why a port could not do its work. A closed list: every code has a row in docs/errors.md. */
export type FaultCode =
  | 'STORE_CLOSED' // the adapter was closed; nothing was done
  | 'STORE_READ_ONLY' // disk full or failing; nothing was written; works again once space is free
  | 'STORE_OUTCOME_UNKNOWN' // the call may or may not have taken effect; read back, compare bytes
  | 'STORE_UNAVAILABLE' // the server of the store cannot be reached or does not answer; nothing was done
  | 'STORE_DENIED' // the server of the store refuses these credentials; nothing was done
  | 'STORE_DAMAGED' // stored bytes do not match their hash; `detail` names stream and revision
  | 'EVENT_FROM_NEWER_VERSION' // a newer release wrote this event; its stream is left alone
  | 'STORE_BEHIND_MARK' // the store lost acknowledged commits; refuses to run
  | 'STORE_NEWER' // written by a newer version
  | 'STATE_MOVED' // another process wrote since this one read; read again
  | 'STORE_IN_USE' // another process holds the data folder
  | 'DATA_FOLDER_INVALID' // not a folder, or not one of this program
  | 'DATA_FOLDER_DENIED' // the user may not use it
  | 'DATA_FOLDER_READ_ONLY' // its file system takes no writes
  | 'DATA_FOLDER_FULL' // no space is left where it lies
  | 'BACKUP_INVALID' // not the folder of a backup that this release reads
  | 'BACKUP_DAMAGED' // bytes of a backup are not those that were written
  | 'EXPORT_INVALID' // not the folder of an export that this release reads
  | 'EXPORT_DAMAGED' // bytes of an export are not those that were written
  | 'DEPLOYMENT_NOT_EMPTY' // it has a history of its own, which an import would mix with another
  | 'DEPLOYMENT_IN_USE' // processes of the cluster still run
  | 'PORT_IN_USE'
  | 'PORT_DENIED' // the user may not bind this port
  | 'ADDRESS_UNAVAILABLE' // no interface of this machine has the address
  | 'SQLITE_TOO_OLD'
  | 'POSTGRES_UNFIT' // too old, or a database that is not UTF-8
  | 'COMMAND_UNANSWERED' // no owner of its partition answered in time; it may have taken effect
  | 'COMMAND_TOO_LARGE' // larger than one message of the bus
  | 'WORK_TOO_LARGE' // larger than one message of the bus
  | 'NATS_UNAVAILABLE' // no server answers at the given addresses
  | 'NATS_DENIED' // the server refuses the user, its certificate or this subject
  | 'NATS_TOO_OLD'
  | 'NATS_MISCONFIGURED' // a stream or consumer exists with settings that break a promise
  | 'DURABILITY_WEAK' // the server does not sync each write to disk, or does not say so
  | 'S3_UNAVAILABLE' // no answer in time, or a server error; a put may have taken effect: put again, it answers the same
  | 'S3_DENIED' // no credentials, or ones that may not do this
  | 'S3_MISCONFIGURED' // the bucket is missing, or does not keep what it is given
  | 'STREAM_NAME_INVALID'
  | 'APPEND_EMPTY'
  | 'EVENT_TOO_LARGE'
  | 'COMMIT_TOO_LARGE'
  | 'CURSOR_INVALID'
  | 'ABORTED' // the caller's signal fired
  | 'QUEUE_CLOSED'
  | 'QUEUE_FULL'
  | 'EVIDENCE_EXISTS' // write-once: other bytes are already stored under this key
  | 'EVIDENCE_MISSING'
  | 'EVIDENCE_DAMAGED'
  | 'KEY_MISSING' // never existed
  | 'KEY_DESTROYED' // erased on purpose: its values are gone for ever
  | 'KEY_DAMAGED'
  | 'KEY_EXISTS' // another key has this id already; nothing was taken
  | 'WRAP_KEY_UNAVAILABLE' // the key that wraps data keys cannot be reached, or is not known
  | 'SEAL_DAMAGED' // a ciphertext does not open under its key
  | 'PACK_SET_UNAVAILABLE' // no policy set with this digest
  | 'PACKAGES_CLOSED' // the task packages were closed; what ran was killed
  | 'EVALUATION_FAILED' // the policy engine threw, overflowed or ran out of time
  | 'SIGNING_FAILED';

/**
 * A port could not do its work. `retryable` says whether the same call may succeed later.
 * Expected outcomes (a conflict, a missing stream) are values, never faults.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly retryable: boolean;
  constructor(code: FaultCode, detail: string, o: { retryable?: boolean; cause?: unknown } = {}) {
    super(`${code}: ${detail}`, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.retryable = o.retryable ?? false;
  }
}

/** Works across realms (worker threads, Jest), where `instanceof` does not. */
export function isFault(error: unknown, code?: FaultCode): error is Fault {
  const e = error as { name?: unknown; code?: unknown } | null | undefined;
  return e?.name === 'Fault' && (code === undefined || e.code === code);
}
