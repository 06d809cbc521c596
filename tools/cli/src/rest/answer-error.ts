/** One problem of a request; line and column (from 1) where the request was a text. */
export type AnswerProblem = {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
};

/** A refusal of the conductor: its `application/problem+json` (RFC 9457), or what stands for it. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  readonly code: string;
  readonly errors: readonly AnswerProblem[];
  /** further problems that the answer only counts */
  readonly errorsOmitted: number;
  /** members of the document by name */
  readonly members: { readonly [name: string]: unknown };

  constructor(status: number, document: { readonly [name: string]: unknown }) {
    const { code, detail, title, errors, errorsOmitted } = document;
    super(String(detail ?? title ?? `the conductor answered with status ${status}`));
    this.status = status;
    this.code = typeof code === 'string' ? code : `HTTP_${status}`;
    this.errors = Array.isArray(errors) ? errors.map(problemOf) : [];
    this.errorsOmitted = typeof errorsOmitted === 'number' ? errorsOmitted : 0;
    this.members = document;
  }
}

/** Works across realms, where `instanceof` does not. */
export function isAnswerError(error: unknown, code?: string): error is AnswerError {
  const found = error as { readonly name?: unknown; readonly code?: unknown } | null | undefined;
  return found?.name === 'AnswerError' && (code === undefined || found.code === code);
}

/** Reads a refusal; a body that is no problem document is not shown. */
export async function answerErrorOf(response: Response): Promise<AnswerError> {
  const text = await response.text().catch(() => '');
  try {
    const document: unknown = JSON.parse(text);
    if (document !== null && typeof document === 'object')
      return new AnswerError(response.status, document as { readonly [name: string]: unknown });
  } catch {
    // not JSON: a proxy, or no conductor at all
  }
  return new AnswerError(response.status, {});
}

function problemOf(error: unknown): AnswerProblem {
  const { pointer, code, message, line, column } = (error ?? {}) as { readonly [name: string]: unknown };
  const place = typeof line === 'number' && typeof column === 'number' ? { line, column } : {};
  return { pointer: String(pointer ?? ''), code: String(code ?? ''), message: String(message ?? ''), ...place };
}
