/** How a verb ended; scripts rely on these numbers. `verify` answers with the number of the failed check instead. */
export const EXIT = {
  ok: 0,
  /** nobody foresaw it */
  unexpected: 1,
  /** the command line or the manifest is wrong, or names what is not there */
  usage: 2,
  denied: 3,
  runFailed: 4,
  /** cancelled or timed out */
  runStopped: 5,
  /** no conductor answers, or none could be started */
  noConductor: 6,
  receiptNotVerified: 7,
  /** `rebuild`: other bytes than the exported ones */
  rebuildMismatch: 8,
  /** `policy test`: the packs' own tests */
  policyTestsFailed: 9,
  /** 128 + SIGINT, as shells write it */
  interrupted: 130,
} as const;

/** Shown in every help text. */
export const EXIT_CODES_HELP = `Exit codes:
  0  done; for a run: it succeeded and its receipt verifies
  1  something unexpected
  2  wrong command line, invalid manifest, or no such run
  3  denied by policy
  4  the run failed
  5  the run was cancelled or timed out
  6  no conductor answers, or none could be started
  7  the receipt does not verify
130  interrupted`;

/** Exit code of a run that ended so. */
export function exitCodeOfVerdict(verdict: string): number {
  switch (verdict) {
    case 'succeeded':
      return EXIT.ok;
    case 'denied':
      return EXIT.denied;
    case 'failed':
      return EXIT.runFailed;
    case 'cancelled':
    case 'timed-out':
      return EXIT.runStopped;
    default:
      return EXIT.unexpected;
  }
}
