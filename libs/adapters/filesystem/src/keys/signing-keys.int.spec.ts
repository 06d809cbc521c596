import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  KEY_REGISTRY_PAYLOAD_TYPE,
  createRegistry,
  openSSHFingerprint,
  registryToSign,
  toEnvelope,
  verifyRegistry,
} from '@maestro/receipt';
import type { RegistryKey } from '@maestro/receipt';
import { generateKeyPem, publicSpkiOf, signP256, verifyP256 } from './p256.ts';
import { openSigningKeys, readPublicKeys, readSigningKeys } from './signing-keys.ts';

const clock = { nowMs: () => Date.UTC(2026, 0, 5, 10, 0, 0, 123) };
const later = { nowMs: () => Date.UTC(2027, 0, 1) };
let root = '';
const at = (...parts: string[]) => join(root, 'keys', ...parts);
const open = (at_ = clock) => openSigningKeys(join(root, 'keys'), at_);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'signing-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('signing keys of a data folder', () => {
  it('are made at the first start: root, signing key and a registry of one key without end', () => {
    const keys = open();
    expect(keys.registry).toEqual({
      schema: 'https://companyos/internal/maestro/key-registry/v1',
      version: 1,
      keys: [
        {
          keyId: keys.keyId,
          spki: publicSpkiOf(keys.signingKeyPem),
          notBefore: '2026-01-05T10:00:00.123Z',
          notAfter: null,
          revokedAt: null,
          reason: null,
        },
      ],
    });
    expect(keys.rootKeyId).toBe(openSSHFingerprint(keys.rootSpki));
    expect(keys.rootKeyId).not.toBe(keys.keyId);
    expect(verifyRegistry(keys.registryEnvelope, keys.rootSpki, verifyP256)).toMatchObject({ kind: 'verified' });
  });

  it('are private to the user', () => {
    open();
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect([at(), at('root')].map(mode)).toEqual([0o700, 0o700]);
    expect([at('root', 'root.pem'), at('root', 'root.pub'), at('signing.pem'), at('registry.json')].map(mode)).toEqual([
      0o600, 0o600, 0o600, 0o600,
    ]);
    expect(readdirSync(at()).sort()).toEqual(['registry.json', 'root', 'signing.pem']);
  });

  it('are the same at every later start, without the private root key', () => {
    const first = open();
    rmSync(at('root', 'root.pem'));
    expect(open(later)).toEqual(first);
  });

  it.each([
    ['before anything', []],
    ['after the root key', ['root/root.pem']],
    ['after its public part', ['root/root.pem', 'root/root.pub']],
    ['before the registry', ['root/root.pem', 'root/root.pub', 'signing.pem']],
  ])('are finished after a first start that died %s, with the keys it had made', (_when, made) => {
    open();
    const kept = made.map((name) => [name, readFileSync(at(name), 'utf8')] as const);
    for (const name of ['root/root.pem', 'root/root.pub', 'signing.pem', 'registry.json'])
      if (!made.includes(name)) rmSync(at(name));
    const keys = open(later);
    for (const [name, text] of kept) expect(readFileSync(at(name), 'utf8')).toBe(text);
    expect(keys.registry.keys[0]?.notBefore).toBe('2027-01-01T00:00:00.000Z');
    expect(keys.rootSpki).toBe(publicSpkiOf(readFileSync(at('root', 'root.pem'), 'utf8')));
  });

  it.each<[string, string, RegExp, () => void]>([
    ['the public root', 'KEY_MISSING', /root\.pub is missing/, () => rmSync(at('root', 'root.pub'))],
    ['the signing key', 'KEY_MISSING', /signing\.pem is missing/, () => rmSync(at('signing.pem'))],
    [
      'the registry, with the root key put away',
      'KEY_MISSING',
      /registry\.json is missing/,
      () => [rmSync(at('registry.json')), renameSync(at('root', 'root.pem'), join(root, 'safe.pem'))],
    ],
  ])('are not made anew when %s is missing', (_what, code, message, lose) => {
    open();
    lose();
    expect(() => open()).toThrow(expect.objectContaining({ name: 'Fault', code, message: expect.stringMatching(message) }));
  });

  it.each<[string, RegExp, string, string]>([
    ['a registry that is not JSON', /registry\.json: not JSON/, 'registry.json', '{'],
    ['a registry that is none', /registry\.json: MALFORMED/, 'registry.json', '{}'],
    ['a signing key that is none', /signing\.pem: not a private key/, 'signing.pem', 'text'],
    ['another signing key', /not in the registry/, 'signing.pem', generateKeyPem()],
    ['another root', /registry\.json: WRONG_ROOT/, 'root/root.pub', publicSpkiOf(generateKeyPem()) ?? ''],
  ])('are refused with %s', (_what, message, name, text) => {
    open();
    writeFileSync(at(name), text);
    expect(() => open()).toThrow(expect.objectContaining({ code: 'KEY_DAMAGED', message: expect.stringMatching(message) }));
  });

  it('are refused with a bit flipped anywhere in the registry', () => {
    open();
    const whole = readFileSync(at('registry.json'));
    for (let byte = 0; byte < whole.length; byte += 7) {
      const flipped = Buffer.from(whole);
      flipped[byte] = (flipped[byte] ?? 0) ^ 1;
      writeFileSync(at('registry.json'), flipped);
      expect(() => open()).toThrow(expect.objectContaining({ code: 'KEY_DAMAGED' }));
    }
  });

  it('are refused with a bit flipped in the signing key, or sign what verifies', () => {
    const { registry } = open();
    const whole = readFileSync(at('signing.pem'));
    let refusedCount = 0;
    for (let byte = 0; byte < whole.length; byte++) {
      const flipped = Buffer.from(whole);
      flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (byte % 7));
      writeFileSync(at('signing.pem'), flipped);
      try {
        const { signingKeyPem } = open();
        const data = Buffer.from('statement');
        expect([byte, verifyP256(registry.keys[0]?.spki ?? '', data, signP256(signingKeyPem, data))]).toEqual([byte, true]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'KEY_DAMAGED', message: expect.stringContaining('signing.pem') });
        refusedCount += 1;
      }
    }
    expect(refusedCount).toBeGreaterThan(whole.length / 2);
  });

  it('are refused when the signing key was revoked, and accepted under a registry with a successor', () => {
    const keys = open();
    const rootPem = readFileSync(at('root', 'root.pem'), 'utf8');
    const successor = generateKeyPem();
    const spki = publicSpkiOf(successor) ?? '';
    const own = keys.registry.keys[0] as RegistryKey;
    const next: RegistryKey = { ...own, spki, keyId: openSSHFingerprint(spki) ?? '' };
    const revoked = { ...own, revokedAt: '2026-02-01T00:00:00.000Z', reason: 'laptop lost' };
    const { payload, toSign } = registryToSign(createRegistry(2, [revoked, next]));
    const envelope = toEnvelope({
      payloadType: KEY_REGISTRY_PAYLOAD_TYPE,
      payload,
      keyId: keys.rootKeyId,
      signature: signP256(rootPem, toSign),
    });
    writeFileSync(at('registry.json'), JSON.stringify(envelope));
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'SIGNING_FAILED', message: expect.stringContaining('revoked') }),
    );
    writeFileSync(at('signing.pem'), successor);
    expect(open()).toMatchObject({ keyId: next.keyId, registry: { version: 2 } });
  });

  it('refuses a root key of another curve', () => {
    open();
    rmSync(at('registry.json'));
    rmSync(at('root', 'root.pub'));
    chmodSync(at('root', 'root.pem'), 0o600);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    writeFileSync(at('root', 'root.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'KEY_DAMAGED', message: expect.stringContaining('not a P-256 key') }),
    );
  });
});

describe('a folder of keys that several processes share', () => {
  it('is only read: keys that are missing are not made', () => {
    for (const read of [readSigningKeys, readPublicKeys]) expect(() => read(at())).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
    const keys = open();
    expect(readSigningKeys(at())).toEqual(keys);
  });

  it('tells what is public without the private keys', () => {
    const { registry, registryEnvelope, rootSpki, rootKeyId } = open();
    rmSync(at('signing.pem'));
    rmSync(at('root', 'root.pem'));
    expect(readPublicKeys(at())).toEqual({ registry, registryEnvelope, rootSpki, rootKeyId });
    expect(() => readSigningKeys(at())).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
  });
});
