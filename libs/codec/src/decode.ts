import { eventValidators, validateStoredEventV1 } from '@maestro/contracts';
import type { AnyEvent, EventType } from '@maestro/contracts';
import type { Recorded } from '@maestro/domain';

/** Why stored bytes cannot be used. The stream is set aside and named; others go on. */
export type DecodeFailure = {
  readonly kind: 'failed';
  readonly code: 'EVENT_FROM_NEWER_VERSION' | 'EVENT_MALFORMED';
  readonly detail: string;
};
export type Decoded = { readonly kind: 'decoded'; readonly recorded: Recorded } | DecodeFailure;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Stored bytes → event. `hash` is the one that the bytes were checked against: it is not computed again.
 * An unknown version of a known event, or an unknown event, was written by a newer release.
 */
export function decodeEvent(bytes: Uint8Array, hash: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    return failed('EVENT_MALFORMED', `the stored bytes are not JSON: ${(error as Error).message}`);
  }
  if (!validateStoredEventV1(value)) {
    return failed('EVENT_MALFORMED', `the stored form is wrong: ${problemOf(validateStoredEventV1.errors)}`);
  }
  const { type, data, ...rest } = value;
  if (!isKnown(type)) return failed('EVENT_FROM_NEWER_VERSION', `${type} at revision ${rest.revision} of ${rest.stream} is not known to this release`);
  const event: unknown = { type, data };
  const validate = eventValidators[type];
  if (!validate(event)) return failed('EVENT_MALFORMED', `${type} at revision ${rest.revision} of ${rest.stream}: ${problemOf(validate.errors)}`);
  return { kind: 'decoded', recorded: { ...rest, event: event as AnyEvent, hash } };
}

function isKnown(type: string): type is EventType {
  return Object.hasOwn(eventValidators, type);
}

function failed(code: DecodeFailure['code'], detail: string): DecodeFailure {
  return { kind: 'failed', code, detail };
}

// a validator that answered false always says why
function problemOf(errors: readonly { readonly instancePath: string; readonly message?: string | undefined }[] | null | undefined): string {
  const all = errors?.map(({ instancePath, message }) => `${instancePath} ${message}`);
  return `${all?.join('; ')}`;
}
