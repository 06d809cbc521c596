import { generateKeyPairSync } from 'node:crypto';
import { createRegistry } from '@maestro/receipt';
import { signRegistry, verifyRegistry } from './key-registry.ts';
import { generateSigningKey, publicKeyPem, verifyP256 } from './p256.ts';

const [root, other, signing] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
const registry = createRegistry(1, [
  { ...signing.key, notBefore: '2026-01-05T10:00:00.123Z', notAfter: null, revokedAt: null, reason: null },
]);
const envelope = signRegistry(registry, root.privateKeyPem);

describe('signed key registry', () => {
  it('verifies under its root alone', () => {
    expect(verifyRegistry(envelope, root.key.spki)).toEqual({ kind: 'verified', registry, rootKeyId: root.key.keyId });
    expect(verifyRegistry(envelope, other.key.spki)).toMatchObject({ kind: 'refused', reason: 'WRONG_ROOT' });
  });

  it('does not verify under a key that took the name of its root', () => {
    const forged = { ...signRegistry(registry, other.privateKeyPem) };
    const renamed = { ...forged, signatures: [{ ...forged.signatures[0], keyid: root.key.keyId }] };
    expect(verifyRegistry(renamed, root.key.spki)).toMatchObject({ kind: 'refused', reason: 'TAMPERED' });
  });

  it('is signed by P-256 keys only', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const bad of [pem, 'no key']) {
      expect(() => signRegistry(registry, bad)).toThrow(expect.objectContaining({ code: 'SIGNING_FAILED' }));
    }
  });
});

describe('P-256 keys', () => {
  it('turn into PEM for stock tools and verify nothing when they are none', () => {
    expect(publicKeyPem(signing.key.spki)).toBe(signing.publicKeyPem);
    expect(publicKeyPem('AAAA')).toBeUndefined();
    expect(verifyP256('AAAA', Buffer.of(1), Buffer.of(1))).toBe(false);
    expect(verifyP256(signing.key.spki, Buffer.of(1), Buffer.of(1))).toBe(false);
  });
});
