import { createPublicKey } from 'node:crypto';
import type { PublicKeys } from '@maestro/adapter-filesystem';
import type { Json } from '@maestro/domain';
import type { PublishedKeys } from '@maestro/service-api';

/** The registry of a deployment as the API shows it. */
export function publishedKeys({ registry, registryEnvelope }: PublicKeys): PublishedKeys {
  const keys = registry.keys.map(({ keyId, spki, notBefore, notAfter, revokedAt }) => {
    const pem = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }).export({ type: 'spki', format: 'pem' }).toString();
    return { keyId, spki, pem, notBefore, notAfter, revokedAt };
  });
  return { registry: () => registryEnvelope as unknown as Json, publicKeys: () => keys };
}
