export { JSON_DEPTH_MAX, canonicalBytes, canonicalText, escapePointer, findUnrepresentable } from './canonical.ts';
export type { Unrepresentable } from './canonical.ts';
export { ZERO_HASH, eventHash, eventId, merkleRoot, sha256 } from './chain.ts';
export { commit, opens } from './commitment.ts';
export type { Commitment, OpenedPlace } from './commitment.ts';
export { IN_TOTO_PAYLOAD_TYPE, decodeBase64, envelopeBytes, fromEnvelope, preAuthEncoding, toEnvelope } from './keys/dsse.ts';
export type { DsseEnvelope, OpenedEnvelope } from './keys/dsse.ts';
export {
  KEY_REGISTRY_PAYLOAD_TYPE,
  KEY_REGISTRY_SCHEMA,
  REGISTRY_KEYS_MAX,
  createRegistry,
  registryToSign,
  verifyRegistry,
} from './keys/key-registry.ts';
export type { KeyRegistry, RegistryKey, RegistryVerdict, VerifySignature } from './keys/key-registry.ts';
export { openSSHFingerprint } from './keys/ssh-fingerprint.ts';
