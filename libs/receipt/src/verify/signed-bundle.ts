import { IN_TOTO_PAYLOAD_TYPE, fromEnvelope, hasOnly, isObject } from '../keys/dsse.ts';
import { readCanonicalJson } from './canonical-json.ts';

/** Media type of the bundles that receipts come in. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** A bundle taken apart; nothing about it is verified yet. */
export type OpenedBundle = {
  /** OpenSSH fingerprint of the signing key, as the bundle claims it */
  readonly keyId: string;
  /** bytes of the in-toto Statement */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
};

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/**
 * Takes a Sigstore bundle v0.3 over a DSSE envelope apart; a string says what is wrong. Refused are other spellings of
 * the JSON or the base64, more than one signature, a `keyid` that is not the hint, and material that nobody would check
 * here (log entries, time stamps, certificates).
 */
export function openBundle(bytes: Uint8Array): OpenedBundle | string {
  const read = readCanonicalJson(bytes);
  if ('problem' in read) return read.problem;
  const bundle = read.value;
  if (!isObject(bundle) || !hasOnly(bundle, ['mediaType', 'verificationMaterial', 'dsseEnvelope'])) {
    return 'expected {mediaType, verificationMaterial, dsseEnvelope}';
  }
  if (bundle['mediaType'] !== BUNDLE_MEDIA_TYPE) return `media type is not ${BUNDLE_MEDIA_TYPE}`;
  const hint = hintOf(bundle['verificationMaterial']);
  if (hint === undefined) return 'verificationMaterial is not one public key hint (an OpenSSH fingerprint) and nothing else';
  const envelope = fromEnvelope(bundle['dsseEnvelope']);
  if (envelope === undefined) return 'dsseEnvelope is not a DSSE envelope with exactly one signature';
  if (envelope.payloadType !== IN_TOTO_PAYLOAD_TYPE) return `payload type is not ${IN_TOTO_PAYLOAD_TYPE}`;
  if (envelope.keyId !== hint) return `keyid ${envelope.keyId} is not the key hint ${hint}`;
  return { keyId: hint, payload: envelope.payload, signature: envelope.signature };
}

/** As signers spell it: the hint, and the one empty member that stock verifiers want to see. */
function hintOf(material: unknown): string | undefined {
  if (!isObject(material) || !hasOnly(material, ['publicKey', 'timestampVerificationData'])) return undefined;
  const { publicKey, timestampVerificationData: timestamps } = material;
  if (!isObject(timestamps) || !hasOnly(timestamps, [])) return undefined;
  const hint = isObject(publicKey) && hasOnly(publicKey, ['hint']) ? publicKey['hint'] : undefined;
  return typeof hint === 'string' && FINGERPRINT.test(hint) ? hint : undefined;
}
