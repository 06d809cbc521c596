import type { TaskFailure } from '@maestro/ports';

export type Failed = { readonly kind: 'failure'; readonly failure: TaskFailure };
/** What one run came to. The output is JSON text: it is measured and carried as such, and parsed once. */
export type Answer =
  | { readonly kind: 'output'; readonly text: string }
  /** canonical JSON in UTF-8, checked where the package ran */
  | { readonly kind: 'large-output'; readonly bytes: Uint8Array }
  | Failed;
/** What a child says at its end: a large output went ahead in parts, so many bytes together. */
export type ChildAnswer = Exclude<Answer, { kind: 'large-output' }> | { readonly kind: 'output-parts'; readonly sizeBytes: number };
/** How an attempt ended, before its output is judged. */
export type Ending =
  { readonly kind: 'answered'; readonly answer: Answer } | { readonly kind: 'timed-out' } | { readonly kind: 'cancelled' };
/** `log`: all that was printed and logged, bounded. */
export type EndedAttempt = { readonly ending: Ending; readonly log: string };

const MESSAGE_MAX_LENGTH = 2000;

/** A failed answer; a long message is cut. */
export function failed(code: string, message: string, retryable: boolean): Failed {
  return { kind: 'failure', failure: { code, message: message.slice(0, MESSAGE_MAX_LENGTH), retryable } };
}
