import { sign } from 'node:crypto';
import { bundleToJSON } from '@sigstore/bundle';
import { DSSEBundleBuilder } from '@sigstore/sign';
import type { Json } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { Signer } from '@maestro/ports';
import { IN_TOTO_PAYLOAD_TYPE, canonicalBytes } from '@maestro/receipt';
import { loadPrivateKey, publicKeyPem } from './p256.ts';

/**
 * Signs in-toto statements as Sigstore bundles v0.3 with a P-256 key in memory; offline. The OpenSSH fingerprint is
 * hint and keyid at once: stock verifiers refuse any other keyid. Fault: SIGNING_FAILED (no such key, empty statement).
 */
export function createSigner({ privateKeyPem }: { readonly privateKeyPem: string }): Signer {
  const loaded = loadPrivateKey(privateKeyPem);
  if (loaded === undefined) throw new Fault('SIGNING_FAILED', 'the signing key is not a P-256 private key in PEM');
  const { privateKey, key } = loaded;
  const material = { $case: 'publicKey', publicKey: publicKeyPem(key.spki) ?? '', hint: key.keyId } as const;
  const signer = { sign: async (data: Buffer) => ({ signature: sign('sha256', data, privateKey), key: material }) };
  const builder = new DSSEBundleBuilder({ signer, witnesses: [] });
  return {
    key,
    async sign(statement) {
      if (statement.length === 0) throw new Fault('SIGNING_FAILED', 'an empty statement says nothing; sign an in-toto Statement');
      const bundle = await builder.create({ type: IN_TOTO_PAYLOAD_TYPE, data: Buffer.from(statement) });
      return canonicalBytes(bundleToJSON(bundle) as unknown as Json);
    },
  };
}
