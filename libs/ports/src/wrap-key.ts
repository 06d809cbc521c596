/**
 * A key that wraps other keys and never leaves where it lives, as a KMS has it. What it wraps are the pool keys of a key
 * vault, 32 bytes each: one call for many data keys, since a call may cost a round trip and money.
 * Faults: WRAP_KEY_UNAVAILABLE (`retryable`: it cannot be reached; not so: this key is not known there, or may not be used),
 * KEY_DAMAGED (the bytes are not those that were wrapped, or not for this context).
 */
export interface WrapKey {
  /** Names the key that `wrap` uses now; kept beside what it wrapped, so that it can be replaced by a newer one. */
  readonly keyId: string;
  /** `context` is authenticated, not hidden: what was wrapped for one opens for no other. */
  wrap(key: Uint8Array, context: string): Promise<Uint8Array>;
  /** By the key of this id, also where it is not the newest any more. */
  unwrap(keyId: string, wrapped: Uint8Array, context: string): Promise<Uint8Array>;
}
