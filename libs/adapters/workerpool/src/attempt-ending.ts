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

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** True for what a child's host may answer; what has another shape was sent by a package, or by something that it uses. */
export function isChildAnswer(value: unknown): value is ChildAnswer {
  const { kind, text, failure, sizeBytes } = (value ?? {}) as { [key in 'kind' | 'text' | 'failure' | 'sizeBytes']?: unknown };
  switch (kind) {
    case 'output':
      return typeof text === 'string' && isJson(text);
    case 'output-parts':
      return Number.isSafeInteger(sizeBytes);
    case 'failure': {
      const { code, message, retryable } = (failure ?? {}) as { [key in keyof TaskFailure]?: unknown };
      return typeof code === 'string' && CODE.test(code) && typeof message === 'string' && typeof retryable === 'boolean';
    }
    default:
      return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
