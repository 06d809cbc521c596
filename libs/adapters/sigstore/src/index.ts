export { createRegistry, openSSHFingerprint } from '@maestro/receipt';
export { signRegistry, verifyRegistry } from './key-registry.ts';
export { generateSigningKey, publicKeyPem } from './p256.ts';
export type { SigningKeyPair } from './p256.ts';
export { createSigner } from './signer.ts';
export { verifyBundle } from './verify-bundle.ts';
export type { BundleVerdict, TrustedPublicKey } from './verify-bundle.ts';
