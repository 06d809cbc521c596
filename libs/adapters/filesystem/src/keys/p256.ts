import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A new P-256 private key as PKCS #8 PEM. */
export function generateKeyPem(): string {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** DER SubjectPublicKeyInfo in base64 of a private key PEM. Undefined when the text is no private key. */
export function publicSpkiOf(privateKeyPem: string): string | undefined {
  try {
    return spkiOf(createPublicKey(createPrivateKey(privateKeyPem)));
  } catch {
    return undefined;
  }
}

/** Signature (SHA-256, DER) under a private key PEM. */
export function signP256(privateKeyPem: string, data: Uint8Array): Uint8Array {
  return sign('sha256', data, privateKeyPem);
}

/** Never throws: a key that is none verifies nothing. */
export function verifyP256(spki: string, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
    return verify('sha256', data, key, signature);
  } catch {
    return false;
  }
}

function spkiOf(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64');
}
