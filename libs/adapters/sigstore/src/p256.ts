import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { openSSHFingerprint } from '@maestro/receipt';
import type { PublicKeyRef } from '@maestro/ports';

/** A P-256 key pair. */
export type SigningKeyPair = {
  /** PKCS #8 PEM */
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
  readonly key: PublicKeyRef;
};

/** Makes a new P-256 key. Nothing is stored: the caller keeps the private part safe. */
export function generateSigningKey(): SigningKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = publicKeyRef(publicKey);
  if (key === undefined) throw new Error('node:crypto made a P-256 key that is none');
  return {
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    key,
  };
}

/** The private key of a PEM with its public part. Undefined: no private key, or not P-256. */
export function loadPrivateKey(
  privateKeyPem: string,
): { readonly privateKey: KeyObject; readonly key: PublicKeyRef } | undefined {
  try {
    const privateKey = createPrivateKey(privateKeyPem);
    const key = publicKeyRef(createPublicKey(privateKey));
    return key && { privateKey, key };
  } catch {
    return undefined;
  }
}

/** The public key of DER SubjectPublicKeyInfo in base64. Undefined: not a point of P-256. */
export function loadPublicKey(spki: string): KeyObject | undefined {
  if (openSSHFingerprint(spki) === undefined) return undefined;
  try {
    return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** Public key PEM, as stock tools want it, of DER SubjectPublicKeyInfo in base64. Undefined: not a point of P-256. */
export function publicKeyPem(spki: string): string | undefined {
  return loadPublicKey(spki)?.export({ format: 'pem', type: 'spki' }).toString();
}

/** Whether the key made this SHA-256/DER signature over the data. Never throws. */
export function verifyP256(spki: string, data: Uint8Array, signature: Uint8Array): boolean {
  const key = loadPublicKey(spki);
  return key !== undefined && verify('sha256', data, key, signature);
}

function publicKeyRef(key: KeyObject): PublicKeyRef | undefined {
  const spki = key.export({ format: 'der', type: 'spki' }).toString('base64');
  const keyId = openSSHFingerprint(spki);
  return keyId === undefined ? undefined : { keyId, spki };
}
