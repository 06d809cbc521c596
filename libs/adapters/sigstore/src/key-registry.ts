import { sign } from 'node:crypto';
import { Fault } from '@maestro/ports';
import { KEY_REGISTRY_PAYLOAD_TYPE, registryToSign, toEnvelope, verifyRegistry as verifyRegistryWith } from '@maestro/receipt';
import type { DsseEnvelope, KeyRegistry, RegistryVerdict } from '@maestro/receipt';
import { loadPrivateKey, verifyP256 } from './p256.ts';

/** Signs a registry with its root (private key PEM, P-256). Signatures are randomised. Fault: SIGNING_FAILED. */
export function signRegistry(registry: KeyRegistry, rootPrivateKeyPem: string): DsseEnvelope {
  const root = loadPrivateKey(rootPrivateKeyPem);
  if (root === undefined) throw new Fault('SIGNING_FAILED', 'the root key is not a P-256 private key in PEM');
  const { payload, toSign } = registryToSign(registry);
  const signature = sign('sha256', toSign, root.privateKey);
  return toEnvelope({ payloadType: KEY_REGISTRY_PAYLOAD_TYPE, payload, keyId: root.key.keyId, signature });
}

/** Checks a parsed registry envelope against a root (DER SubjectPublicKeyInfo, base64) that the caller trusts already. */
export function verifyRegistry(envelope: unknown, rootSpki: string): RegistryVerdict {
  return verifyRegistryWith(envelope, rootSpki, verifyP256);
}
