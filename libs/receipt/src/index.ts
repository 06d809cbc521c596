export { JSON_DEPTH_MAX, canonicalBytes, canonicalText, findUnrepresentable } from './canonical.ts';
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
export { assemble, isTerminal } from './assemble/assemble.ts';
export type { AssembleInputs } from './assemble/assemble.ts';
export { ASSEMBLERS, CURRENT_ASSEMBLER, assembleSet } from './assemble/assembled-set.ts';
export type { AssembledSet } from './assemble/assembled-set.ts';
export { eventBytes, eventsJsonl } from './assemble/event-lines.ts';
export { RECEIPT_FILES, RECEIPT_PREDICATE_TYPE, STATEMENT_TYPE, statementOf } from './assemble/statement.ts';
export type { SetDigests } from './assemble/statement.ts';
export { digestOf } from './assemble/steps.ts';
export type { ReceiptDigest, ReceiptStep } from './assemble/steps.ts';
export { COSIGN_COMMAND, OWN_KEY_FILE, README_FILE, readmeOf } from './set-readme.ts';
export { checkSet } from './verify/check-set.ts';
export type { Expectations, ReceiptSet, SetConclusion } from './verify/check-set.ts';
export { conclude, failed, notApplicable, notRun, passed } from './verify/conclusion.ts';
export type { CheckResult, Conclusion, RequiredProfile } from './verify/conclusion.ts';
export { CHECK_ORDER, CHECK_TITLES, FAILURE_CLASSES } from './verify/failure-classes.ts';
export type { CheckRow, FailureClass } from './verify/failure-classes.ts';
export { openHistory, readEvent } from './verify/history.ts';
export type { History, HistoryLine, ReadEvent } from './verify/history.ts';
export { pinnedKey } from './verify/key-checks.ts';
export type { Trust, TrustedKey } from './verify/key-checks.ts';
export { BUNDLE_MEDIA_TYPE, openBundle } from './verify/signed-bundle.ts';
export type { OpenedBundle } from './verify/signed-bundle.ts';
export { openStatement } from './verify/signed-statement.ts';
export type { OpenedStatement } from './verify/signed-statement.ts';
