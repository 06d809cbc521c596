export { FolderEvidenceStore } from './evidence/folder-evidence-store.ts';
export type { PackFinding } from './evidence/pack-index.ts';
export { openSigningKeys, readPublicKeys, readSigningKeys } from './keys/signing-keys.ts';
export type { PublicKeys, SigningKeys } from './keys/signing-keys.ts';
export { openTrustStore } from './keys/trust-store.ts';
export type { Learned, TrustStore, TrustedKey, TrustedRoot } from './keys/trust-store.ts';
export { FolderKeyVault } from './vault/folder-key-vault.ts';
export type { PoolSurvey } from './vault/key-pool.ts';
