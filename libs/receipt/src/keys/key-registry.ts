import type { JsonObject } from '@maestro/domain';
import { canonicalBytes } from '../canonical.ts';
import { fromEnvelope, hasOnly, isObject, preAuthEncoding } from './dsse.ts';
import { openSSHFingerprint } from './ssh-fingerprint.ts';

export const KEY_REGISTRY_SCHEMA = 'https://companyos/internal/maestro/key-registry/v1';
export const KEY_REGISTRY_PAYLOAD_TYPE = 'application/vnd.maestro.key-registry+json';
/** keys in one registry at most */
export const REGISTRY_KEYS_MAX = 1_000;

/** UTF-16 units */
const REASON_LENGTH_MAX = 500;

/** One signing key and when its signatures count. Times are `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
export type RegistryKey = {
  /** OpenSSH fingerprint of `spki` */
  readonly keyId: string;
  /** DER SubjectPublicKeyInfo, base64 */
  readonly spki: string;
  readonly notBefore: string;
  /** null: no end */
  readonly notAfter: string | null;
  /** null: not revoked */
  readonly revokedAt: string | null;
  /** why it was revoked, 1 to 500 characters; null unless it was */
  readonly reason: string | null;
};

/** All signing keys of a deployment, past and present. A later version replaces the earlier ones as a whole. */
export type KeyRegistry = {
  readonly schema: typeof KEY_REGISTRY_SCHEMA;
  /** from 1, strictly rising */
  readonly version: number;
  readonly keys: readonly RegistryKey[];
};

/** Whether `signature` (P-256, SHA-256, DER) over `data` was made by the key `spki` (DER, base64). Never throws. */
export type VerifySignature = (spki: string, data: Uint8Array, signature: Uint8Array) => boolean;

export type RegistryVerdict =
  | { readonly kind: 'verified'; readonly registry: KeyRegistry; readonly rootKeyId: string }
  | { readonly kind: 'refused'; readonly reason: 'MALFORMED' | 'WRONG_ROOT' | 'TAMPERED'; readonly detail: string };

/** A registry of these keys. Throws a RangeError that names the first problem: the caller made it. */
export function createRegistry(version: number, keys: readonly RegistryKey[]): KeyRegistry {
  const registry: KeyRegistry = { schema: KEY_REGISTRY_SCHEMA, version, keys };
  const problem = findRegistryProblem(registry);
  if (problem !== undefined) throw new RangeError(`not a key registry: ${problem}`);
  return registry;
}

/** The payload of a registry's envelope and the bytes that its root signs. */
export function registryToSign(registry: KeyRegistry): { readonly payload: Uint8Array; readonly toSign: Uint8Array } {
  const payload = canonicalBytes(registry);
  return { payload, toSign: preAuthEncoding(KEY_REGISTRY_PAYLOAD_TYPE, payload) };
}

/**
 * Checks a parsed registry envelope against a root that the caller already trusts. The envelope's `keyid` must be the
 * root's fingerprint, the payload canonical, every key well-formed: nothing in a refused envelope may be used.
 */
export function verifyRegistry(envelope: unknown, rootSpki: string, verify: VerifySignature): RegistryVerdict {
  const opened = fromEnvelope(envelope);
  if (opened === undefined) return refused('MALFORMED', 'not a DSSE envelope with one signature');
  if (opened.payloadType !== KEY_REGISTRY_PAYLOAD_TYPE) return refused('MALFORMED', `payload type ${opened.payloadType}`);
  const rootKeyId = openSSHFingerprint(rootSpki);
  if (rootKeyId === undefined || opened.keyId !== rootKeyId) {
    return refused(
      'WRONG_ROOT',
      `signed by ${opened.keyId ?? 'an unnamed key'}, not by the root ${rootKeyId ?? '(not a P-256 key)'}`,
    );
  }
  const signed = preAuthEncoding(KEY_REGISTRY_PAYLOAD_TYPE, opened.payload);
  if (!verify(rootSpki, signed, opened.signature)) return refused('TAMPERED', 'the signature does not match the payload');
  const registry = parseRegistry(opened.payload);
  if (typeof registry === 'string') return refused('MALFORMED', registry);
  return { kind: 'verified', registry, rootKeyId };
}

function refused(reason: 'MALFORMED' | 'WRONG_ROOT' | 'TAMPERED', detail: string): RegistryVerdict {
  return { kind: 'refused', reason, detail };
}

// Answers the first problem as text.
function parseRegistry(payload: Uint8Array): KeyRegistry | string {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return 'the payload is not JSON';
  }
  const problem = findRegistryProblem(value);
  if (problem !== undefined) return problem;
  const registry = value as KeyRegistry;
  return Buffer.from(payload).equals(canonicalBytes(registry)) ? registry : 'the payload is not canonical JSON';
}

function findRegistryProblem(value: unknown): string | undefined {
  if (!isObject(value) || !hasOnly(value, ['schema', 'version', 'keys'])) return 'expected {schema, version, keys}';
  const { schema, version, keys } = value;
  if (schema !== KEY_REGISTRY_SCHEMA) return `schema ${String(schema)} is not ${KEY_REGISTRY_SCHEMA}`;
  if (!Number.isSafeInteger(version) || Number(version) < 1) return 'version is not a positive integer';
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > REGISTRY_KEYS_MAX) {
    return `keys is not a list of 1 to ${REGISTRY_KEYS_MAX} keys`;
  }
  const seen = new Set<unknown>();
  for (const [index, key] of keys.entries()) {
    const problem = isObject(key) ? findKeyProblem(key) : 'is not an object';
    if (problem !== undefined) return `key ${index} ${problem}`;
    if (seen.has(key.keyId)) return `key ${index} is listed twice`;
    seen.add(key.keyId);
  }
  return undefined;
}

function findKeyProblem(key: JsonObject): string | undefined {
  if (!hasOnly(key, ['keyId', 'spki', 'notBefore', 'notAfter', 'revokedAt', 'reason'])) return 'has unknown members';
  const { keyId, spki, notBefore, notAfter, revokedAt, reason } = key;
  if (typeof spki !== 'string' || openSSHFingerprint(spki) === undefined) return 'has no P-256 key in spki';
  if (keyId !== openSSHFingerprint(spki)) return 'has a keyId that is not the fingerprint of its spki';
  if (!isTime(notBefore)) return 'has no time in notBefore';
  if (notAfter !== null && !isTime(notAfter)) return 'has neither null nor a time in notAfter';
  if (revokedAt !== null && !isTime(revokedAt)) return 'has neither null nor a time in revokedAt';
  // One fixed-width spelling, so text order is time order.
  if (notAfter !== null && notAfter <= notBefore) return 'ends before it begins';
  const reasonFits = revokedAt === null ? reason === null : isReason(reason);
  return reasonFits ? undefined : 'has a reason without a revocation, or a revocation without a reason';
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= REASON_LENGTH_MAX && value.isWellFormed();
}

const TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value);
}
