import { preAuthEncoding, IN_TOTO_PAYLOAD_TYPE } from '../keys/dsse.ts';
import type { RegistryKey, VerifySignature } from '../keys/key-registry.ts';
import { openSSHFingerprint } from '../keys/ssh-fingerprint.ts';
import { failed, passed } from './conclusion.ts';
import type { CheckResult } from './conclusion.ts';
import type { OpenedBundle } from './signed-bundle.ts';

/** A key that the verifying side trusts, and when. A pinned key has no window; a registry key brings its own. */
export type TrustedKey = Pick<RegistryKey, 'keyId' | 'spki' | 'notAfter' | 'revokedAt'> & { readonly notBefore: string | null };

/** What the verifying side brings. Nothing of it may come from the set. */
export type Trust = {
  readonly keys: readonly TrustedKey[];
  /** P-256 / SHA-256 over DER, as `VerifySignature` */
  readonly verifySignature: VerifySignature;
  /** when a verified time stamp or witness says that the signature existed; null: nobody says */
  readonly trustedTime: string | null;
};

/** A key given as DER SubjectPublicKeyInfo in base64; undefined when it is not a P-256 key. */
export function pinnedKey(spki: string): TrustedKey | undefined {
  const keyId = openSSHFingerprint(spki);
  return keyId === undefined ? undefined : { keyId, spki, notBefore: null, notAfter: null, revokedAt: null };
}

/** Row 2. `ownKeyId`: of a key that lies in the set, which proves nothing. */
export function checkKey(bundle: OpenedBundle, trust: Trust, ownKeyId: string | null): CheckResult {
  const { keyId } = bundle;
  if (trust.keys.some((key) => key.keyId === keyId)) return passed(2, `${keyId} is trusted`);
  if (trust.keys.length === 0 && ownKeyId === keyId) return failed('SELF_ASSERTED', `${keyId} comes from the set itself`);
  return failed('UNKNOWN_KEY', trust.keys.length === 0 ? `no trusted key was given for ${keyId}` : `${keyId} is not among ${trust.keys.length} trusted keys`);
}

/** Row 3, the signature alone; `key` is the trusted key that the bundle names. */
export function checkSignature(bundle: OpenedBundle, key: TrustedKey, trust: Trust): CheckResult {
  const signed = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, bundle.payload);
  if (trust.verifySignature(key.spki, signed, bundle.signature)) return passed(3, 'the key signed this statement');
  const other = trust.keys.find(({ spki }) => trust.verifySignature(spki, signed, bundle.signature));
  if (other !== undefined) return failed('WRONG_KEY', `${other.keyId} signed it, not ${key.keyId}`);
  return failed('TAMPERED_RECEIPT', 'the signature does not fit the statement');
}

/** Row 4. Times have one fixed-width spelling, so text order is time order; the receipt's own times are never used. */
export function checkKeyWindow(key: TrustedKey, trustedTime: string | null): CheckResult {
  const { notBefore, notAfter, revokedAt } = key;
  if (revokedAt !== null && (trustedTime === null || trustedTime >= revokedAt)) {
    return failed('REVOKED_KEY', `revoked at ${revokedAt}; the signature is dated ${trustedTime ?? 'by nothing trusted'}`);
  }
  if (trustedTime === null) {
    if (notAfter === null) return passed(4, 'no window: the key has no end and is not revoked');
    return failed('NO_TRUSTED_TIME', `the key is valid until ${notAfter}; nothing trusted dates the signature`);
  }
  const early = notBefore !== null && trustedTime < notBefore;
  const late = notAfter !== null && trustedTime > notAfter;
  if (early || late) return failed('EXPIRED_KEY', `signed at ${trustedTime}; the key is valid from ${notBefore ?? 'ever'} to ${notAfter ?? 'ever'}`);
  return passed(4, `valid at ${trustedTime}`);
}
