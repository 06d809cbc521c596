import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY_REGISTRY_PAYLOAD_TYPE, createRegistry, openSSHFingerprint, registryToSign, toEnvelope } from '@maestro/receipt';
import type { RegistryKey } from '@maestro/receipt';
import { generateKeyPem, publicSpkiOf, signP256 } from './p256.ts';
import { openTrustStore } from './trust-store.ts';

function newKey() {
  const pem = generateKeyPem();
  const spki = publicSpkiOf(pem) ?? '';
  return { pem, spki, keyId: openSSHFingerprint(spki) ?? '' };
}
type Key = ReturnType<typeof newKey>;

const [rootA, rootB, signing, successor] = [newKey(), newKey(), newKey(), newKey()];

function entry({ spki, keyId }: Key, change: Partial<RegistryKey> = {}): RegistryKey {
  return { spki, keyId, notBefore: '2026-01-05T10:00:00.123Z', notAfter: null, revokedAt: null, reason: null, ...change };
}
function registry(root: Key, version: number, keys: readonly RegistryKey[]) {
  const { payload, toSign } = registryToSign(createRegistry(version, keys));
  return toEnvelope({
    payloadType: KEY_REGISTRY_PAYLOAD_TYPE,
    payload,
    keyId: root.keyId,
    signature: signP256(root.pem, toSign),
  });
}
const revoked = { revokedAt: '2026-02-01T00:00:00.000Z', reason: 'laptop lost' };

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trust-'));
  path = join(folder, 'config', 'maestro', 'trust.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function enrolled() {
  const store = openTrustStore(path);
  store.enrol({ name: 'a', spki: rootA.spki });
  return store;
}

describe('trust store', () => {
  it('trusts nobody at first and makes no file', () => {
    const store = openTrustStore(path);
    expect(store.lookup(signing.keyId)).toBeUndefined();
    expect(store.roots()).toEqual([]);
    expect(store.learn(registry(rootA, 1, [entry(signing)]))).toMatchObject({ kind: 'refused', reason: 'UNKNOWN_ROOT' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('vouches for the keys of an enrolled root, also for other programs', () => {
    const store = enrolled();
    expect(store.lookup(signing.keyId)).toBeUndefined();
    expect(store.learn(registry(rootA, 3, [entry(signing)]))).toMatchObject({ kind: 'learned', registry: { version: 3 } });
    const expected = { ...entry(signing), rootKeyId: rootA.keyId, rootName: 'a', registryVersion: 3 };
    expect([store.lookup(signing.keyId), openTrustStore(path).lookup(signing.keyId)]).toEqual([expected, expected]);
    expect(store.roots()).toMatchObject([{ name: 'a', rootKeyId: rootA.keyId, highestRegistryVersion: 3 }]);
  });

  it('enrols a root once, the first name stays', () => {
    const store = enrolled();
    store.learn(registry(rootA, 1, [entry(signing)]));
    expect(store.enrol({ name: 'other', spki: rootA.spki })).toMatchObject({ name: 'a', highestRegistryVersion: 1 });
    expect(store.roots()).toHaveLength(1);
    expect(() => store.enrol({ name: 'x', spki: 'AAAA' })).toThrow(RangeError);
  });

  it('never goes back to an older registry, and knows the same one again', () => {
    const store = enrolled();
    const second = registry(rootA, 2, [entry(signing, revoked), entry(successor)]);
    store.learn(second);
    expect(store.learn(registry(rootA, 1, [entry(signing)]))).toMatchObject({ kind: 'refused', reason: 'OLDER' });
    expect(store.learn(second)).toMatchObject({ kind: 'known' });
    expect(store.lookup(signing.keyId)?.revokedAt).toBe('2026-02-01T00:00:00.000Z');
    expect(store.learn(registry(rootA, 3, [entry(successor)]))).toMatchObject({ kind: 'learned' });
    expect(store.lookup(signing.keyId)).toBeUndefined();
  });

  it('refuses a second registry of one version', () => {
    const store = enrolled();
    store.learn(registry(rootA, 2, [entry(signing, revoked)]));
    expect(store.learn(registry(rootA, 2, [entry(signing)]))).toMatchObject({ kind: 'refused', reason: 'EQUIVOCATION' });
    expect(store.lookup(signing.keyId)?.revokedAt).toBe('2026-02-01T00:00:00.000Z');
  });

  it('refuses what its root did not sign', () => {
    const store = enrolled();
    const good = registry(rootA, 1, [entry(signing)]);
    const other = Buffer.from(registryToSign(createRegistry(1, [entry(successor)])).payload).toString('base64');
    expect(store.learn({ ...good, payload: other })).toMatchObject({ kind: 'refused', reason: 'TAMPERED' });
    expect(store.learn({ ...good, signatures: [] })).toMatchObject({ kind: 'refused', reason: 'MALFORMED' });
    expect(store.learn(registry(rootB, 1, [entry(signing)]))).toMatchObject({ kind: 'refused', reason: 'UNKNOWN_ROOT' });
    expect(store.lookup(signing.keyId)).toBeUndefined();
  });

  it('keeps roots apart; a revocation by any of them counts', () => {
    const store = enrolled();
    store.enrol({ name: 'b', spki: rootB.spki });
    store.learn(registry(rootA, 1, [entry(signing)]));
    store.learn(registry(rootB, 7, [entry(signing, revoked)]));
    expect(store.lookup(signing.keyId)).toMatchObject({ rootName: 'b', registryVersion: 7, reason: 'laptop lost' });
    expect(store.roots().map(({ highestRegistryVersion }) => highestRegistryVersion)).toEqual([1, 7]);
  });

  it('is private and replaced as a whole', () => {
    const store = enrolled();
    store.learn(registry(rootA, 1, [entry(signing)]));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'config')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, 'config', 'maestro'))).toEqual(['trust.json']);
  });

  it.each<[string, (text: string) => string]>([
    ['no JSON', () => '{'],
    ['another schema', (text) => text.replace('trust-store/v1', 'trust-store/v2')],
    ['no list of roots', (text) => text.replace('"roots": [', '"roots": "", "x": [')],
    ['a root without a name', (text) => text.replace('"name"', '"title"')],
    ['a key under another id', (text) => text.replace(rootA.spki, rootB.spki)],
    ['a version that was set back', (text) => text.replace('"highestRegistryVersion": 2', '"highestRegistryVersion": 1')],
    ['a registry that was taken out', (text) => text.replace('"registry": {', '"registry": null, "was": {')],
    ['a changed registry', (text) => text.replace(/"payload": "eyJ/, '"payload": "eyK')],
  ])('is refused when its file holds %s', (_what, change) => {
    const store = enrolled();
    store.learn(registry(rootA, 2, [entry(signing)]));
    const text = readFileSync(path, 'utf8');
    expect(change(text)).not.toBe(text);
    writeFileSync(path, change(text));
    const fault = expect.objectContaining({ name: 'Fault', code: 'KEY_DAMAGED', message: expect.stringContaining(path) });
    expect(() => store.lookup(signing.keyId)).toThrow(fault);
    expect(() => openTrustStore(path)).toThrow(fault);
  });
});
