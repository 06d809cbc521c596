import type { Json, Problem, Rejection, RejectionCode } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { Fault, FaultCode } from '@maestro/ports';
import type { Unreadable } from '@maestro/runtime';
import { FAULT_STATUS } from './fault-status.ts';
import { HTTP_STATUS } from './http-codes.ts';
import type { HttpCode } from './http-codes.ts';
import { REJECTION_STATUS } from './rejection-status.ts';

export type ProblemCode = HttpCode | RejectionCode | FaultCode;

/** One problem of a request; line and column (from 1) where it came as text. */
export type ProblemItem = Problem & { readonly line?: number; readonly column?: number };

export type ProblemMore = {
  readonly errors?: readonly ProblemItem[];
  /** further members of the document, by the names that RFC 9457 leaves free */
  readonly members?: { readonly [name: string]: Json };
  readonly headers?: { readonly [name: string]: string };
};

/** Seconds after which a refusal may have passed. */
const RETRY_AFTER_SECONDS = '1';

/** A refusal on its way to the client: thrown at the edge only, answered by the problem filter. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly ProblemItem[];
  readonly members: { readonly [name: string]: Json };
  readonly headers: { readonly [name: string]: string };

  constructor(code: ProblemCode, status: number, detail: string, more: ProblemMore = {}) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = more.errors ?? [];
    this.members = more.members ?? {};
    const retry = status === 503 || status === 429 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {};
    this.headers = { ...retry, ...more.headers };
  }
}

/** A refusal of the edge itself. */
export function problem(code: HttpCode, detail: string, more: ProblemMore = {}): ProblemError {
  return new ProblemError(code, HTTP_STATUS[code], detail, more);
}

/** A refused command. */
export function rejected({ code, detail, errors, params }: Rejection): ProblemError {
  return new ProblemError(code, REJECTION_STATUS[code], detail, {
    ...(errors === undefined ? {} : { errors }),
    ...(params === undefined ? {} : { members: { params } }),
  });
}

/** Something that is not there. */
export function notFound(code: 'WORKFLOW_NOT_FOUND' | 'VERSION_NOT_FOUND' | 'EXECUTION_NOT_FOUND', detail: string): ProblemError {
  return new ProblemError(code, REJECTION_STATUS[code], detail);
}

/** A stream that this release cannot read; the others are served. */
export function unreadable({ code, detail }: Unreadable): ProblemError {
  return new ProblemError(code, FAULT_STATUS[code], detail);
}

/** Fault of a port → problem. The message says what to do and holds no value of a user. */
export function faulted(fault: Fault): ProblemError {
  const status = FAULT_STATUS[fault.code] ?? 500;
  return new ProblemError(fault.code, status, fault.message.replace(`${fault.code}: `, ''));
}

/** Any thrown value → problem; undefined: nobody foresaw it. */
export function foreseen(error: unknown): ProblemError | undefined {
  if (isProblemError(error)) return error;
  return isFault(error) ? faulted(error) : undefined;
}

function isProblemError(error: unknown): error is ProblemError {
  return (error as { readonly name?: unknown } | null | undefined)?.name === 'ProblemError';
}
