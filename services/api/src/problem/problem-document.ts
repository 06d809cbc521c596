import type { Json } from '@maestro/domain';
import type { ProblemError } from './problem-error.ts';

/** Media type of RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Problems listed in one answer; further ones are counted. */
export const PROBLEM_ITEMS_MAX = 100;

const TYPE_PREFIX = 'https://companyos/internal/maestro/errors/';

/** The RFC 9457 document of a refusal. `instance` names the occurrence: the request id, which the log holds too. */
export function problemDocument(error: ProblemError, requestId: string): { readonly [name: string]: Json } {
  const { code, status, detail, errors, members } = error;
  const omitted = errors.length - PROBLEM_ITEMS_MAX;
  return {
    type: `${TYPE_PREFIX}${code}`,
    title: titleOf(code),
    status,
    code,
    detail,
    instance: `urn:uuid:${requestId}`,
    ...(errors.length > 0 ? { errors: errors.slice(0, PROBLEM_ITEMS_MAX) } : {}),
    ...(omitted > 0 ? { errorsOmitted: omitted } : {}),
    ...members,
  };
}

/** `RUN_NOT_FINISHED` → `Run not finished`: the same for every occurrence. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
