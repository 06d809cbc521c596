/** What is wrong with a history. One name per promise that is broken. */
export type ViolationCode =
  // of one stream
  | 'UNREADABLE'
  | 'HASH_MISMATCH'
  | 'MISPLACED'
  | 'REVISION_GAP'
  | 'REVISION_TWICE'
  | 'CHAIN_BROKEN'
  | 'EVENT_TWICE'
  | 'COMMAND_TWICE'
  // of one run
  | 'SCHEDULED_UNDECIDED'
  | 'ATTEMPT_UNSCHEDULED'
  | 'ATTEMPT_ENDED_TWICE'
  | 'TASK_SUCCEEDED_TWICE'
  | 'EVENT_AFTER_END'
  | 'TERMINAL_TWICE'
  | 'RUN_OPEN'
  | 'RECEIPT_MISSING'
  | 'RECEIPT_TWICE'
  | 'RECEIPT_BEFORE_END'
  | 'RECEIPT_MISMATCH'
  // against what clients were told
  | 'ACKNOWLEDGED_LOST'
  | 'KEY_ANSWERED_TWICE'
  | 'RUN_UNASKED'
  | 'OBSERVED_LOST'
  | 'RECEIPT_UNVERIFIED'
  | 'TOO_FEW_OPERATIONS';

/** `where`: the stream, or the command or key where there is none. */
export type Violation = { readonly code: ViolationCode; readonly where: string; readonly detail: string };

export type Report = (code: ViolationCode, where: string, detail: string) => void;
