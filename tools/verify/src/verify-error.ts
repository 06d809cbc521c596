/** Why nothing could be verified at all; `exitCode` follows sysexits.h, above the numbers of the checks. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';
  readonly code: 'USAGE' | 'BAD_TRUST' | 'NO_INPUT';

  constructor(code: VerifyError['code'], message: string) {
    super(message);
    this.code = code;
  }

  /** 64: the command line is wrong, 65: a key or registry cannot be used, 66: a file cannot be read */
  get exitCode(): number {
    return { USAGE: 64, BAD_TRUST: 65, NO_INPUT: 66 }[this.code];
  }
}
