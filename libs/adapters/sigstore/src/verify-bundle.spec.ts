import { sign } from 'node:crypto';
import { canonicalText, preAuthEncoding } from '@maestro/receipt';
import type { Json } from '@maestro/domain';
import { generateSigningKey, loadPrivateKey } from './p256.ts';
import { createSigner } from './signer.ts';
import { verifyBundle } from './verify-bundle.ts';

const pair = generateSigningKey();
const stranger = generateSigningKey();
const signer = createSigner(pair);
const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v1","predicate":{"é":1},"subject":[]}');
const bytes = Buffer.from(await signer.sign(statement));
const trusted = new Map([pair, stranger].map(({ key }) => [key.keyId, key]));
const resolve = (keyId: string) => trusted.get(keyId);

type Bundle = {
  mediaType: string;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] };
  verificationMaterial: Record<string, Json> & { publicKey?: { hint: string } };
};
const parsed = (): Bundle => JSON.parse(bytes.toString()) as Bundle;
const changed = (change: (bundle: Bundle) => unknown): string => {
  const bundle = parsed();
  change(bundle);
  return canonicalText(bundle as Json);
};
const resigned = (payloadType: string, payload: Uint8Array): string =>
  sign('sha256', preAuthEncoding(payloadType, payload), loadPrivateKey(pair.privateKeyPem)?.privateKey ?? '').toString('base64');

describe('verifyBundle', () => {
  it.each<[string, unknown]>([
    ['bytes', new Uint8Array(bytes)],
    ['text', bytes.toString()],
    ['a parsed value', parsed()],
  ])('accepts a bundle of the signer given as %s, and answers its statement', (_how, bundle) => {
    expect(verifyBundle(bundle, resolve)).toEqual({ ok: true, keyId: pair.key.keyId, payload: statement });
  });

  it('finds a change of any byte', () => {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      expect(verifyBundle(flipped, resolve).ok).toBe(false);
    }
  });

  it.each([1, 50, 200])('refuses a bundle cut by %i bytes', (count) => {
    expect(verifyBundle(bytes.subarray(0, -count), resolve)).toMatchObject({ ok: false, reason: 'MALFORMED', keyId: null });
  });

  it.each<[string, unknown]>([
    ['white space', JSON.stringify(parsed(), null, 1)],
    ['a final newline', `${bytes.toString()}\n`],
    ['a byte order mark', Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), bytes])],
    ['members in another order', JSON.stringify(Object.fromEntries(Object.entries(parsed()).toReversed()))],
    ['a member twice', bytes.toString().replace('{', '{"mediaType":"x",')],
    ['an escaped character', bytes.toString().replace('mediaType', '\\u006dediaType')],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe])],
    ['no JSON', 'text'],
    ['null', null],
    ['nothing', undefined],
    ['a list', []],
    ['a function', () => bytes],
  ])('refuses %s', (_what, bundle) => {
    expect(verifyBundle(bundle, resolve)).toMatchObject({ ok: false, reason: 'MALFORMED' });
  });

  it.each<[string, RegExp, (bundle: Bundle) => unknown]>([
    [
      'a keyid that is not the hint',
      /keyid .* is not the key hint/,
      (b) => (b.dsseEnvelope.signatures[0] = { keyid: stranger.key.keyId, sig: b.dsseEnvelope.signatures[0]?.sig ?? '' }),
    ],
    [
      'no keyid',
      /members or spellings|is not the key hint/,
      (b) => b.dsseEnvelope.signatures.forEach((s) => delete (s as Partial<typeof s>).keyid),
    ],
    [
      'an empty keyid and hint',
      /public key|hint|spellings/,
      (b) => {
        b.dsseEnvelope.signatures.forEach((s) => (s.keyid = ''));
        b.verificationMaterial.publicKey = { hint: '' };
      },
    ],
    ['two signatures', /invalid bundle|exactly one/, (b) => b.dsseEnvelope.signatures.push(...b.dsseEnvelope.signatures)],
    ['no signature', /invalid bundle|exactly one/, (b) => (b.dsseEnvelope.signatures = [])],
    [
      'bundle version 0.1',
      /invalid|media type|spellings/,
      (b) => (b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'),
    ],
    ['bundle version 0.2', /invalid|media type/, (b) => (b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2')],
    [
      'the other name of version 0.3',
      /media type/,
      (b) => (b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.3'),
    ],
    ['an unknown member', /members or spellings/, (b) => Object.assign(b, { note: 'unread' })],
    ['an unknown member inside', /members or spellings/, (b) => Object.assign(b.dsseEnvelope, { note: 'unread' })],
    ['base64 without padding', /spellings/, (b) => (b.dsseEnvelope.payload = b.dsseEnvelope.payload.replace(/=+$/, ''))],
    ['base64 for URLs', /spellings/, (b) => (b.dsseEnvelope.payload = `${b.dsseEnvelope.payload.slice(0, -4)}-_-_`)],
    ['base64 with a line break', /spellings/, (b) => (b.dsseEnvelope.payload = `${b.dsseEnvelope.payload}\n`)],
    ['log entries', /./, (b) => (b.verificationMaterial['tlogEntries'] = [{}])],
    [
      'time stamps',
      /time stamps/,
      (b) => (b.verificationMaterial['timestampVerificationData'] = { rfc3161Timestamps: [{ signedTimestamp: 'YWJj' }] }),
    ],
    [
      'a certificate instead of a key',
      /./,
      (b) => {
        delete b.verificationMaterial.publicKey;
        b.verificationMaterial['certificate'] = { rawBytes: 'YWJj' };
      },
    ],
    [
      'a message signature',
      /./,
      (b) => {
        Object.assign(b, { messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: 'YWJj' }, signature: 'YWJj' } });
        delete (b as Partial<Bundle>).dsseEnvelope;
      },
    ],
  ])('refuses %s', (_what, detail, change) => {
    expect(verifyBundle(changed(change), resolve)).toMatchObject({
      ok: false,
      reason: 'MALFORMED',
      detail: expect.stringMatching(detail),
    });
  });

  it('refuses another payload type, though it is signed', () => {
    const bundle = changed((b) => {
      b.dsseEnvelope.payloadType = 'application/json';
      b.dsseEnvelope.signatures[0] = { keyid: pair.key.keyId, sig: resigned('application/json', statement) };
    });
    expect(verifyBundle(bundle, resolve)).toMatchObject({
      reason: 'MALFORMED',
      detail: expect.stringContaining('payload type application/json'),
    });
  });

  it('calls another payload tampered', () => {
    const bundle = changed((b) => (b.dsseEnvelope.payload = Buffer.from('{}').toString('base64')));
    expect(verifyBundle(bundle, resolve)).toMatchObject({ reason: 'TAMPERED_RECEIPT', keyId: pair.key.keyId });
  });

  it.each<[string, (keyId: string) => { spki: string } | undefined]>([
    ['nobody trusts', () => undefined],
    ['is trusted under another id', () => stranger.key],
    ['is no key', () => ({ spki: 'AAAA' })],
  ])('does not know a key that %s', (_what, resolveKey) => {
    expect(verifyBundle(bytes, resolveKey)).toMatchObject({ ok: false, reason: 'UNKNOWN_KEY', keyId: pair.key.keyId });
  });

  it('does not know a key whose point is not on the curve', () => {
    const der = Buffer.from(pair.key.spki, 'base64');
    der[90] = (der[90] ?? 0) ^ 1;
    const off = { spki: der.toString('base64') };
    expect(verifyBundle(bytes, () => off)).toMatchObject({ reason: 'UNKNOWN_KEY' });
  });

  it('tells a signature of another known key from a forged one', () => {
    const hint = stranger.key.keyId;
    const renamed = changed((b) => {
      b.dsseEnvelope.signatures.forEach((s) => (s.keyid = hint));
      b.verificationMaterial.publicKey = { hint };
    });
    expect(verifyBundle(renamed, resolve)).toMatchObject({ reason: 'TAMPERED_RECEIPT', keyId: hint });
    const otherKeys = [stranger.key, { spki: 'AAAA' }, pair.key];
    expect(verifyBundle(renamed, resolve, { otherKeys })).toMatchObject({
      reason: 'WRONG_KEY',
      detail: expect.stringContaining(`signed by ${pair.key.keyId}`),
    });
  });
});
