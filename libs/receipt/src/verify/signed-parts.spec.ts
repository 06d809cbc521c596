import { readFileSync } from 'node:fs';
import type { Json, JsonObject } from '@maestro/domain';
import { canonicalBytes } from '../canonical.ts';
import { readCanonicalJson } from './canonical-json.ts';
import { conclude, passed } from './conclusion.ts';
import { openBundle } from './signed-bundle.ts';
import { openStatement } from './signed-statement.ts';

const file = new URL('../../../../contracts/golden/receipts/OK-one-task/receipt.sigstore.json', import.meta.url);
const soundBundle = (): JsonObject => JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** The sound bundle with one member replaced; `path` leads to it. */
function withMember(path: readonly string[], value: Json): Uint8Array {
  const bundle = soundBundle();
  let at: { [key: string]: Json } = bundle as { [key: string]: Json };
  for (const key of path.slice(0, -1)) at = at[key] as { [key: string]: Json };
  at[path.at(-1) ?? ''] = value;
  return canonicalBytes(bundle);
}

describe('readCanonicalJson', () => {
  it.each([
    ['white space', '{"a": 1}'],
    ['key order', '{"b":1,"a":1}'],
    ['a repeated key', '{"a":1,"a":1}'],
    ['another number spelling', '1.0'],
    ['an escaped character that needs none', '"\\u0041"'],
    ['a byte order mark', '\ufeff{}'],
    ['an integer that no double holds', '9007199254740993'],
    ['nesting without bound', `${'['.repeat(200)}${']'.repeat(200)}`],
    ['no JSON', '{'],
  ])('refuses %s', (_, text) => {
    expect(readCanonicalJson(utf8(text))).toHaveProperty('problem');
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(readCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22))).toHaveProperty('problem');
  });

  it('reads the one spelling', () => {
    expect(readCanonicalJson(utf8('{"a":[1,"\u20ac"]}'))).toEqual({ value: { a: [1, '\u20ac'] } });
  });
});

describe('openBundle', () => {
  it('takes a golden bundle apart', () => {
    expect(openBundle(canonicalBytes(soundBundle()))).toMatchObject({ keyId: expect.stringMatching(/^SHA256:/) });
  });

  it.each([
    ['a list', utf8('[]')],
    ['an unknown member', withMember(['more'], 1)],
    ['no verification material', withMember(['verificationMaterial'], null)],
    ['a certificate', withMember(['verificationMaterial', 'certificate'], { rawBytes: 'AA==' })],
    ['time stamps', withMember(['verificationMaterial', 'timestampVerificationData', 'rfc3161Timestamps'], [])],
    ['no time stamp member', withMember(['verificationMaterial', 'timestampVerificationData'], null)],
    ['no key', withMember(['verificationMaterial', 'publicKey'], null)],
    ['more than a hint', withMember(['verificationMaterial', 'publicKey', 'rawBytes'], 'AA==')],
    ['a hint that is a number', withMember(['verificationMaterial', 'publicKey', 'hint'], 1)],
    ['a hint that is no fingerprint', withMember(['verificationMaterial', 'publicKey', 'hint'], 'key-1')],
  ])('refuses %s', (_, bytes) => {
    expect(typeof openBundle(bytes)).toBe('string');
  });
});

describe('openStatement', () => {
  it.each([
    ['no JSON', utf8('{')],
    ['a list', utf8('[]')],
    ['another kind of statement', utf8('{"_type":"https://in-toto.io/Statement/v0.1"}')],
    ['no predicate type', utf8('{"_type":"https://in-toto.io/Statement/v1"}')],
  ])('refuses %s', (_, bytes) => {
    expect(typeof openStatement(bytes)).toBe('string');
  });
});

describe('conclude', () => {
  it('asks for rows 1 to 8 and takes a row that nobody ran for not shown', () => {
    expect(conclude([])).toMatchObject({ ok: false, code: 'MALFORMED', exitCode: 1 });
    expect(conclude([passed(1, 'well-formed')])).toMatchObject({ ok: false, code: 'UNKNOWN_KEY', exitCode: 2 });
  });
});
