import { isUtf8 } from 'node:buffer';
import { BUNDLE_V03_MEDIA_TYPE, bundleFromJSON, bundleToJSON } from '@sigstore/bundle';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import type { Json } from '@maestro/domain';
import { IN_TOTO_PAYLOAD_TYPE, canonicalText, fromEnvelope, openSSHFingerprint } from '@maestro/receipt';
import { loadPublicKey } from './p256.ts';

/** A public key that the caller trusts: DER SubjectPublicKeyInfo, base64. */
export type TrustedPublicKey = { readonly spki: string };

export type BundleVerdict =
  | {
      readonly ok: true;
      readonly keyId: string;
      /** the statement, as it was signed; nothing in it is checked yet */
      readonly payload: Uint8Array;
    }
  | {
      readonly ok: false;
      /** WRONG_KEY: one of `otherKeys` made this signature, not the key that the bundle names */
      readonly reason: 'MALFORMED' | 'UNKNOWN_KEY' | 'TAMPERED_RECEIPT' | 'WRONG_KEY';
      readonly detail: string;
      /** the key that the bundle names; null when it is malformed */
      readonly keyId: string | null;
    };

type Shaped = { readonly value: Json; readonly keyId: string; readonly payload: Uint8Array };

/**
 * Checks that a receipt bundle is well-formed and signed by the trusted key that it names. `bundleJson` is the file's
 * bytes or text, or its parsed value; bytes and text must be canonical JSON (RFC 8785), so that no byte of a bundle can
 * change unnoticed. The caller checks what the statement says: subjects, predicate type, key window.
 *
 * Closed here because stock verification leaves it open: keyid ≠ hint, several signatures, other payload types, other
 * bundle versions, base64 in other spellings, members that nobody reads, log entries and time stamps of strangers.
 */
export function verifyBundle(
  bundleJson: unknown,
  resolveKey: (keyId: string) => TrustedPublicKey | undefined,
  o: { readonly otherKeys?: Iterable<TrustedPublicKey> } = {},
): BundleVerdict {
  const shaped = shapeOf(bundleJson);
  if (typeof shaped === 'string') return { ok: false, reason: 'MALFORMED', detail: shaped, keyId: null };
  const { keyId, payload } = shaped;
  const spki = resolveKey(keyId)?.spki;
  if (spki === undefined || openSSHFingerprint(spki) !== keyId || loadPublicKey(spki) === undefined) {
    return { ok: false, reason: 'UNKNOWN_KEY', detail: `no trusted key has the id ${keyId}`, keyId };
  }
  if (signedBy(shaped, spki)) return { ok: true, keyId, payload };
  for (const other of o.otherKeys ?? []) {
    if (!signedBy(shaped, other.spki)) continue;
    return { ok: false, reason: 'WRONG_KEY', detail: `signed by ${openSSHFingerprint(other.spki)}, but names ${keyId}`, keyId };
  }
  return { ok: false, reason: 'TAMPERED_RECEIPT', detail: `the signature of ${keyId} does not match the payload`, keyId };
}

/** Answers what is wrong as text. */
function shapeOf(bundleJson: unknown): Shaped | string {
  const text = textOf(bundleJson);
  try {
    const value = (text === undefined ? bundleJson : JSON.parse(text)) as Json;
    const canonical = canonicalText(value);
    if (text !== undefined && canonical !== text) return 'the bundle is not canonical JSON (RFC 8785)';
    const bundle = bundleFromJSON(value);
    // What the library reads must be all there is: no unknown members, one spelling of base64.
    if (canonicalText(bundleToJSON(bundle) as unknown as Json) !== canonical)
      return 'the bundle has members or spellings that are not of v0.3';
    return partsOf(value);
  } catch (error) {
    return `not a Sigstore bundle: ${String(error)}`;
  }
}

function partsOf(value: Json): Shaped | string {
  const { mediaType, verificationMaterial, dsseEnvelope } = value as {
    mediaType?: Json;
    verificationMaterial?: Json;
    dsseEnvelope?: Json;
  };
  if (mediaType !== BUNDLE_V03_MEDIA_TYPE) return `media type ${String(mediaType)} is not ${BUNDLE_V03_MEDIA_TYPE}`;
  const envelope = fromEnvelope(dsseEnvelope);
  if (envelope === undefined) return 'expected a DSSE envelope with exactly one signature';
  if (envelope.payloadType !== IN_TOTO_PAYLOAD_TYPE) return `payload type ${envelope.payloadType} is not ${IN_TOTO_PAYLOAD_TYPE}`;
  const hint = (verificationMaterial as { publicKey?: { hint?: Json } }).publicKey?.hint;
  if (typeof hint !== 'string' || hint === '') return 'the bundle names no public key';
  if (envelope.keyId !== hint) return `keyid ${String(envelope.keyId)} is not the key hint ${hint}`;
  // As the library spells empty lists: it leaves them out.
  const bare = { publicKey: { hint }, timestampVerificationData: {} };
  if (canonicalText(verificationMaterial ?? null) !== canonicalText(bare)) {
    return 'the bundle carries log entries, time stamps or certificates; a receipt keeps them beside it';
  }
  return { value, keyId: hint, payload: envelope.payload };
}

// Undefined: already parsed. Bytes that are no UTF-8 become the empty text, which is no JSON.
function textOf(bundleJson: unknown): string | undefined {
  if (typeof bundleJson === 'string') return bundleJson;
  // By tag and not by prototype: byte arrays cross realms.
  if (!ArrayBuffer.isView(bundleJson)) return undefined;
  const bytes = Buffer.from(bundleJson.buffer, bundleJson.byteOffset, bundleJson.byteLength);
  return isUtf8(bytes) ? bytes.toString('utf8') : '';
}

function signedBy({ value, keyId }: Shaped, spki: string): boolean {
  const publicKey = loadPublicKey(spki);
  if (publicKey === undefined) return false;
  const trust = toTrustMaterial(
    { mediaType: '', tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] },
    (hint) => {
      if (hint !== keyId) throw new Error(`unknown key ${hint}`);
      return { publicKey, validFor: () => true };
    },
  );
  try {
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(
      toSignedEntity(bundleFromJSON(value)),
    );
    return true;
  } catch {
    return false;
  }
}
