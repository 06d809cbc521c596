/** The server's own error code (`err_code`) of a refused call; 0 for anything else. */
export function codeOf(error: unknown): number {
  const { name, code } = error instanceof Object ? (error as { name?: unknown; code?: unknown }) : {};
  return typeof code === 'number' && typeof name === 'string' && /^(JetStreamApiError|ConsumerNotFoundError|StreamNotFoundError)$/.test(name) ? code : 0;
}

/** Nobody answers on the subject: no such stream, or no leader for it. */
export function isNobodyThere(error: unknown): boolean {
  const name = (error as { name?: unknown } | undefined)?.name;
  const cause = (error as { cause?: { name?: unknown } } | undefined)?.cause;
  return name === 'JetStreamNotEnabled' || name === 'NoResponders' || cause?.name === 'NoResponders';
}

/** The user may not publish or subscribe there: trying again ends the same way until somebody changes its permissions. */
export function isDenied(error: unknown): boolean {
  const { name, cause } = error instanceof Object ? (error as { name?: unknown; cause?: { name?: unknown } }) : {};
  return name === 'PermissionViolationError' || cause?.name === 'PermissionViolationError';
}
