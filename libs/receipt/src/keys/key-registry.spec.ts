import { createHash } from 'node:crypto';
import { canonicalBytes } from '../canonical.ts';
import { preAuthEncoding, toEnvelope } from './dsse.ts';
import {
  KEY_REGISTRY_PAYLOAD_TYPE,
  KEY_REGISTRY_SCHEMA,
  REGISTRY_KEYS_MAX,
  createRegistry,
  registryToSign,
  verifyRegistry,
} from './key-registry.ts';
import type { RegistryKey, VerifySignature } from './key-registry.ts';
import { openSSHFingerprint } from './ssh-fingerprint.ts';

// A well-formed P-256 SPKI for each number; whether the point is on the curve is for the adapters to find out.
function spkiOf(n: number): string {
  const point = Buffer.alloc(65, 0);
  point[0] = 4;
  point.writeUInt32BE(n, 61);
  return Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), point]).toString('base64');
}

function keyOf(n: number, change: Partial<RegistryKey> = {}): RegistryKey {
  const spki = spkiOf(n);
  const keyId = openSSHFingerprint(spki) ?? '';
  return { keyId, spki, notBefore: '2026-01-05T10:00:00.123Z', notAfter: null, revokedAt: null, reason: null, ...change };
}

const ROOT = spkiOf(1_000_000);
const rootKeyId = openSSHFingerprint(ROOT) ?? '';

// Stands in for ECDSA: a digest over key and data.
const fakeSign = (spki: string, data: Uint8Array): Uint8Array => createHash('sha256').update(spki).update(data).digest();
const verify: VerifySignature = (spki, data, signature) => Buffer.from(fakeSign(spki, data)).equals(signature);

function signPayload(payload: Uint8Array, payloadType: string = KEY_REGISTRY_PAYLOAD_TYPE, keyId: string | null = rootKeyId) {
  return toEnvelope({ payloadType, payload, keyId, signature: fakeSign(ROOT, preAuthEncoding(payloadType, payload)) });
}

const registry = createRegistry(3, [
  keyOf(1),
  keyOf(2, { notAfter: '2027-01-05T10:00:00.123Z', revokedAt: '2026-02-01T00:00:00.000Z', reason: 'laptop lost' }),
]);

describe('key registry', () => {
  it('answers the registry that its root signed', () => {
    expect(verifyRegistry(signPayload(registryToSign(registry).payload), ROOT, verify)).toEqual({
      kind: 'verified',
      registry,
      rootKeyId,
    });
  });

  it('is signed over the DSSE encoding of its canonical bytes', () => {
    const { payload, toSign } = registryToSign(registry);
    expect(payload).toEqual(canonicalBytes(registry));
    expect(toSign).toEqual(preAuthEncoding('application/vnd.maestro.key-registry+json', payload));
  });

  it.each<[string, unknown, unknown]>([
    ['is no envelope', 'MALFORMED', { payload: 'e30=' }],
    ['has another payload type', 'MALFORMED', signPayload(registryToSign(registry).payload, 'application/vnd.in-toto+json')],
    ['names another root', 'WRONG_ROOT', signPayload(registryToSign(registry).payload, undefined, keyOf(5).keyId)],
    ['names no root', 'WRONG_ROOT', signPayload(registryToSign(registry).payload, undefined, null)],
    [
      'was changed after signing',
      'TAMPERED',
      {
        ...signPayload(registryToSign(registry).payload),
        payload: Buffer.from(canonicalBytes({ ...registry, version: 4 })).toString('base64'),
      },
    ],
    ['is not JSON', 'MALFORMED', signPayload(Buffer.from('{'))],
    ['is not canonical', 'MALFORMED', signPayload(Buffer.from(JSON.stringify(registry, null, 1)))],
    ['is not a registry', 'MALFORMED', signPayload(Buffer.from('{"keys":[]}'))],
  ])('refuses an envelope that %s', (_what, reason, envelope) => {
    expect(verifyRegistry(envelope, ROOT, verify)).toMatchObject({ kind: 'refused', reason });
  });

  it('refuses everything under a root that is no P-256 key', () => {
    expect(verifyRegistry(signPayload(registryToSign(registry).payload), 'AAAA', verify)).toMatchObject({
      kind: 'refused',
      reason: 'WRONG_ROOT',
      detail: expect.stringContaining('not a P-256 key'),
    });
  });

  it.each<[string, RegExp, number, unknown]>([
    ['a version of 0', /version/, 0, [keyOf(1)]],
    ['a broken version', /version/, 1.5, [keyOf(1)]],
    ['keys that are no list', /1 to 1000/, 1, {}],
    ['no key', /1 to 1000/, 1, []],
    ['too many keys', /1 to 1000/, 1, Array.from({ length: REGISTRY_KEYS_MAX + 1 }, (_, n) => keyOf(n))],
    ['a key that is no object', /key 1 is not an object/, 1, [keyOf(1), 'key']],
    ['a key twice', /key 1 is listed twice/, 1, [keyOf(1), keyOf(1)]],
    ['an unknown member', /unknown members/, 1, [{ ...keyOf(1), note: 1 }]],
    ['no key bytes', /no P-256 key/, 1, [keyOf(1, { spki: 'AAAA' })]],
    ['key bytes that are no text', /no P-256 key/, 1, [{ ...keyOf(1), spki: 7 }]],
    ['the id of another key', /fingerprint/, 1, [keyOf(1, { keyId: keyOf(2).keyId })]],
    ['no start', /notBefore/, 1, [{ ...keyOf(1), notBefore: null }]],
    ['a start without milliseconds', /notBefore/, 1, [keyOf(1, { notBefore: '2026-01-05T10:00:00Z' })]],
    ['a month 13', /notAfter/, 1, [keyOf(1, { notAfter: '2026-13-05T10:00:00.123Z' })]],
    ['an end at its start', /before it begins/, 1, [keyOf(1, { notAfter: '2026-01-05T10:00:00.123Z' })]],
    ['a revocation without a time', /revokedAt/, 1, [keyOf(1, { revokedAt: 'yesterday', reason: 'x' })]],
    ['a revocation without a reason', /reason/, 1, [keyOf(1, { revokedAt: '2026-02-01T00:00:00.000Z' })]],
    ['an empty reason', /reason/, 1, [keyOf(1, { revokedAt: '2026-02-01T00:00:00.000Z', reason: '' })]],
    ['a reason that is too long', /reason/, 1, [keyOf(1, { revokedAt: '2026-02-01T00:00:00.000Z', reason: 'x'.repeat(501) })]],
    ['a reason without a revocation', /reason/, 1, [keyOf(1, { reason: 'x' })]],
  ])('is not made with %s', (_what, problem, version, keys) => {
    expect(() => createRegistry(version, keys as readonly RegistryKey[])).toThrow(problem);
  });

  it.each<[string, unknown]>([
    ['another schema', { schema: 'v2', version: 1, keys: [keyOf(1)] }],
    ['an unknown member', { schema: KEY_REGISTRY_SCHEMA, version: 1, keys: [keyOf(1)], extra: 1 }],
    ['a list', []],
  ])('refuses a signed payload that is %s', (_what, payload) => {
    expect(verifyRegistry(signPayload(Buffer.from(JSON.stringify(payload))), ROOT, verify)).toMatchObject({
      reason: 'MALFORMED',
    });
  });

  it('refuses a payload whose bytes only decode to the registry', () => {
    const reasoned = createRegistry(1, [keyOf(1, { revokedAt: '2026-02-01T00:00:00.000Z', reason: '\ufffd' })]);
    const bytes = Buffer.from(canonicalBytes(reasoned)).toString('latin1').replace('\xef\xbf\xbd', '\xff');
    expect(verifyRegistry(signPayload(Buffer.from(bytes, 'latin1')), ROOT, verify)).toMatchObject({
      reason: 'MALFORMED',
      detail: 'the payload is not canonical JSON',
    });
  });
});
