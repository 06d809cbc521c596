import { Fault, isFault } from '@maestro/ports';

type ServiceError = { readonly name?: unknown; readonly code?: unknown; readonly message?: unknown; readonly $metadata?: { readonly httpStatusCode?: unknown } };

/** The status that S3 answered with. Undefined: no answer came. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as ServiceError | null | undefined)?.$metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
}

/** Names that mean the caller, whatever the status: servers answer them with 400, 403 or 404. */
const OF_CALLER: ReadonlySet<unknown> = new Set(['AccessDenied', 'ExpiredToken', 'InvalidAccessKeyId', 'InvalidToken', 'SignatureDoesNotMatch', 'XAdminUserNotFound']);

/** For `catch`: the value where S3 answered with one of these statuses about the thing; anything else is thrown on. */
export function whenStatus<T>(statuses: readonly number[], value: T): (error: unknown) => T {
  return (error) => {
    if (statuses.includes(statusOf(error) ?? 0) && !OF_CALLER.has((error as ServiceError).name)) return value;
    throw error;
  };
}

/**
 * What an error of the SDK means, after its own tries. No answer, 408, 429 and 5xx: S3_UNAVAILABLE, retryable. 401 and 403:
 * S3_DENIED. Other refusals: S3_MISCONFIGURED. A put whose answer was lost may have taken effect; put again, it answers the same.
 */
export function s3Fault(error: unknown, doing: string): unknown {
  if (isFault(error) || (error as ServiceError | null)?.name === 'RangeError') return error;
  const { name, code, message } = (error ?? {}) as ServiceError;
  const status = statusOf(error);
  const what = `${doing}: ${status === undefined ? 'no answer' : `status ${status}`}, ${String(code ?? name)}: ${String(message)}`;
  if (name === 'CredentialsProviderError') return new Fault('S3_DENIED', `${what}; give an access key, or put one where the SDK looks`, { cause: error });
  // a clock that is off by more than 15 minutes is refused with 403 too, and works again once it is right
  if (status === 401 || status === 403 || OF_CALLER.has(name)) return new Fault('S3_DENIED', what, { cause: error, retryable: name === 'RequestTimeTooSkewed' });
  // 501: the server does not know the request, and will not know it later
  const isPassing = status === undefined || [408, 409, 429].includes(status) || status < 300 || (status >= 500 && status !== 501);
  if (isPassing) return new Fault('S3_UNAVAILABLE', what, { cause: error, retryable: true });
  return new Fault('S3_MISCONFIGURED', what, { cause: error });
}
