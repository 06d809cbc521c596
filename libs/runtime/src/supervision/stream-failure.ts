/** Something about one stream went wrong; what was to be done for the others may go on without it. */
export class StreamFailure extends Error {
  override readonly name = 'StreamFailure';
  readonly stream: string;
  constructor(stream: string, cause: unknown) {
    super(`${stream}: ${cause instanceof Object && 'message' in cause ? String(cause.message) : String(cause)}`, { cause });
    this.stream = stream;
  }
}

/** Works across realms, where `instanceof` does not. */
export function isStreamFailure(error: unknown): error is StreamFailure {
  return (error as { readonly name?: unknown } | null | undefined)?.name === 'StreamFailure';
}
