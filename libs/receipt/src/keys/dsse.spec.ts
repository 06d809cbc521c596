import { decodeBase64, envelopeBytes, fromEnvelope, hasOnly, isObject, preAuthEncoding, toEnvelope } from './dsse.ts';

const opened = {
  payloadType: 'application/vnd.in-toto+json',
  payload: Buffer.from('{"a":1}'),
  keyId: 'SHA256:abc',
  signature: Buffer.from('signature'),
};
const envelope = toEnvelope(opened);

describe('DSSE', () => {
  it('encodes the example of the DSSE protocol', () => {
    const pae = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(Buffer.from(pae).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('counts bytes of a type, not characters', () => {
    expect(Buffer.from(preAuthEncoding('é', Buffer.of(255))).toString('latin1')).toBe('DSSEv1 2 \xc3\xa9 1 \xff');
  });

  it('gives back what was put in, through the canonical bytes', () => {
    const bytes = envelopeBytes(envelope);
    expect(Buffer.from(bytes).toString()).toBe(
      '{"payload":"eyJhIjoxfQ==","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"SHA256:abc","sig":"c2lnbmF0dXJl"}]}',
    );
    expect(fromEnvelope(JSON.parse(Buffer.from(bytes).toString()))).toEqual(opened);
  });

  it('leaves keyid out when there is none', () => {
    const unnamed = toEnvelope({ ...opened, keyId: null });
    expect(unnamed.signatures).toEqual([{ sig: 'c2lnbmF0dXJl' }]);
    expect(fromEnvelope(unnamed)?.keyId).toBeNull();
  });

  it.each<[string, unknown]>([
    ['no object', 'text'],
    ['null', null],
    ['a list', [envelope]],
    ['an unknown member', { ...envelope, extra: 1 }],
    ['no payload type', { payload: envelope.payload, signatures: envelope.signatures }],
    ['an empty payload', { ...envelope, payload: '' }],
    ['a payload that is not text', { ...envelope, payload: 7 }],
    ['signatures that are no list', { ...envelope, signatures: {} }],
    ['no signature', { ...envelope, signatures: [] }],
    ['two signatures', { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }],
    ['a signature that is no object', { ...envelope, signatures: ['c2lnbmF0dXJl'] }],
    ['an unknown member of the signature', { ...envelope, signatures: [{ ...envelope.signatures[0], cert: '' }] }],
    ['a signature without bytes', { ...envelope, signatures: [{ keyid: 'x' }] }],
    ['a key id that is no text', { ...envelope, signatures: [{ keyid: 7, sig: 'c2ln' }] }],
  ])('refuses an envelope with %s', (_what, value) => {
    expect(fromEnvelope(value)).toBeUndefined();
  });

  it.each(['YQ', 'YR==', 'YQ==\n', 'Y Q==', '-_-_', 'YQ===', '', 'YQ==YQ=='])('refuses %j as base64', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  it('tells objects and their members', () => {
    expect([{}, [], null, 'x'].map(isObject)).toEqual([true, false, false, false]);
    expect(hasOnly({ a: 1 }, ['a', 'b'])).toBe(true);
    expect(hasOnly({ a: 1, c: 1 }, ['a', 'b'])).toBe(false);
  });
});
