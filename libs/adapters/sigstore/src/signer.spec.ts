import { signerConformance } from '@maestro/conformance';
import { generateKeyPairSync } from 'node:crypto';
import { generateSigningKey } from './p256.ts';
import { createSigner } from './signer.ts';

signerConformance('sigstore', async () => ({
  signer: createSigner(generateSigningKey()),
  dispose: async () => undefined,
}));

describe('createSigner', () => {
  const { privateKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  it.each([
    ['no key', 'not a PEM'],
    ['a public key', generateSigningKey().publicKeyPem],
    ['another curve', p384.export({ format: 'pem', type: 'pkcs8' }).toString()],
  ])('refuses %s', (_what, privateKeyPem) => {
    expect(() => createSigner({ privateKeyPem })).toThrow(expect.objectContaining({ code: 'SIGNING_FAILED' }));
  });
});
