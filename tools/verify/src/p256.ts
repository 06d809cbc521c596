import { createPublicKey, verify } from 'node:crypto';
import { pinnedKey } from '@maestro/receipt';
import type { TrustedKey, VerifySignature } from '@maestro/receipt';

/** Checks P-256 / SHA-256 over DER with what Node brings. False for anything else; never throws. */
export const verifySignature: VerifySignature = (spki, data, signature) => {
  try {
    return verify('sha256', data, createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
};

/** A public key in PEM, without a window. Undefined: not a P-256 public key (a private one is refused, too). */
export function pemKey(pem: Uint8Array | string): TrustedKey | undefined {
  const text = Buffer.from(pem).toString('utf8');
  if (!text.includes('-----BEGIN PUBLIC KEY-----')) return undefined;
  try {
    return pinnedKey(createPublicKey(text).export({ format: 'der', type: 'spki' }).toString('base64'));
  } catch {
    return undefined;
  }
}
