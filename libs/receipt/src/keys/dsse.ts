import type { Json, JsonObject } from '@maestro/domain';
import { canonicalBytes } from '../canonical.ts';

const encoder = new TextEncoder();

/** Payload type of in-toto statements: receipts, provenance, verification summaries. */
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** A DSSE v1 envelope with exactly one signature; `payload` and `sig` are standard base64 with padding. */
export type DsseEnvelope = {
  readonly payloadType: string;
  readonly payload: string;
  /** `keyid` is a hint and not signed; it is left out where a stock tool refuses it */
  readonly signatures: readonly [{ readonly sig: string; readonly keyid?: string }];
};

/** An envelope taken apart; nothing about it is verified yet. `keyId` null: the envelope names none. */
export type OpenedEnvelope = {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly keyId: string | null;
  readonly signature: Uint8Array;
};

/** The bytes that a DSSE signature covers (DSSE protocol v1, "PAE"): lengths are of UTF-8 bytes, in decimal. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const typeBytes = encoder.encode(payloadType);
  return Buffer.concat([
    encoder.encode(`DSSEv1 ${typeBytes.length} `),
    typeBytes,
    encoder.encode(` ${payload.length} `),
    payload,
  ]);
}

/** Puts a finished signature and its payload into an envelope; `keyId` null leaves `keyid` out. */
export function toEnvelope(opened: OpenedEnvelope): DsseEnvelope {
  const sig = Buffer.from(opened.signature).toString('base64');
  return {
    payloadType: opened.payloadType,
    payload: Buffer.from(opened.payload).toString('base64'),
    signatures: [opened.keyId === null ? { sig } : { keyid: opened.keyId, sig }],
  };
}

/** RFC 8785 bytes of an envelope: the one spelling that is stored and compared. */
export function envelopeBytes(envelope: DsseEnvelope): Uint8Array {
  return canonicalBytes(envelope);
}

/**
 * Takes a parsed envelope apart. Undefined unless it is exactly a DSSE envelope: no other members, one signature,
 * base64 in its only canonical spelling (so that no two texts mean one envelope).
 */
export function fromEnvelope(value: unknown): OpenedEnvelope | undefined {
  if (!isObject(value) || !hasOnly(value, ['payloadType', 'payload', 'signatures'])) return undefined;
  const { payloadType, signatures } = value;
  const payload = decodeBase64(value['payload']);
  if (typeof payloadType !== 'string' || payload === undefined) return undefined;
  if (!Array.isArray(signatures) || signatures.length !== 1) return undefined;
  const [only] = signatures as readonly Json[];
  if (!isObject(only) || !hasOnly(only, ['keyid', 'sig'])) return undefined;
  const signature = decodeBase64(only['sig']);
  const keyId = only['keyid'] ?? null;
  if (signature === undefined || (keyId !== null && typeof keyId !== 'string')) return undefined;
  return { payloadType, payload, keyId, signature };
}

/** Standard base64 with padding, non-empty; undefined for any other spelling of the same bytes. */
export function decodeBase64(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** A JSON object, whatever realm it was made in. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether an object has no member beyond these. */
export function hasOnly(value: JsonObject, members: readonly string[]): boolean {
  return Object.keys(value).every((member) => members.includes(member));
}
