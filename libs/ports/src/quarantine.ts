import type { ProcessState } from './process-state.ts';

/** Name of the rows in the process state. */
export const QUARANTINE = 'quarantine';

/**
 * A stream that somebody could not read or decide on, and leaves alone; all others are served. `by`: who it was
 * (`commands`, `dispatcher`, `projector`, `receipts`); `code`: a fault, `EVENT_FROM_NEWER_VERSION` or `BUG`; `since`: RFC 3339.
 */
export type QuarantinedStream = { readonly stream: string; readonly by: string; readonly code: string; readonly detail: string; readonly since: string };

/** What a process state holds of them, in the order of their names; whether or not a conductor runs on it. */
export async function readQuarantine(state: Pick<ProcessState, 'load'>): Promise<readonly QuarantinedStream[]> {
  const found: QuarantinedStream[] = [];
  for await (const { value } of (await state.load(QUARANTINE)).rows) found.push(value as unknown as QuarantinedStream);
  return found;
}
