/** An ending that a verb foresees: what happened, the exit code, and commands or steps that help. Shown without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  readonly code: string;
  /** what to try next, a command or a sentence each */
  readonly next: readonly string[];

  constructor(exitCode: number, code: string, message: string, next: readonly string[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.code = code;
    this.next = next;
  }
}

/** Works across realms, where `instanceof` does not. */
export function isCliError(error: unknown): error is CliError {
  return (error as { readonly name?: unknown } | null | undefined)?.name === 'CliError';
}
