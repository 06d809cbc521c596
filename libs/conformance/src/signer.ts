import { createPublicKey, verify } from 'node:crypto';
import type { Signer } from '@maestro/ports';
import { IN_TOTO_PAYLOAD_TYPE, canonicalText, fromEnvelope, openSSHFingerprint, preAuthEncoding } from '@maestro/receipt';
import type { JsonObject } from '@maestro/domain';
import { conformanceSuite } from './matrix.ts';
import type { ConformanceCase } from './matrix.ts';

export type SignerHarness = { readonly signer: Signer; dispose(): Promise<void> };

/** The rules of the Signer port, for every adapter; signatures are checked with node:crypto alone. */
export function signerConformance(adapter: string, factory: () => Promise<SignerHarness>): void {
  conformanceSuite('signer', adapter, cases, factory);
}

const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v1","subject":[]}');

async function signed(signer: Signer, payload: Uint8Array = statement) {
  const text = Buffer.from(await signer.sign(payload)).toString();
  const bundle = JSON.parse(text) as JsonObject;
  const envelope = fromEnvelope(bundle['dsseEnvelope']);
  if (envelope === undefined) throw new Error('the bundle holds no DSSE envelope with one signature');
  return { text, bundle, envelope };
}

const cases: readonly ConformanceCase<SignerHarness>[] = [
  {
    number: 1,
    name: 'key-id-is-the-openssh-fingerprint',
    async run({ signer }) {
      expect(signer.key.keyId).toBe(openSSHFingerprint(signer.key.spki));
    },
  },
  {
    number: 2,
    name: 'bundle-is-canonical-v0.3',
    async run({ signer }) {
      const { text, bundle } = await signed(signer);
      expect(bundle['mediaType']).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
      expect(text).toBe(canonicalText(bundle));
    },
  },
  {
    number: 3,
    name: 'envelope-carries-the-statement-bytes',
    async run({ signer }) {
      const { envelope } = await signed(signer);
      expect(envelope.payloadType).toBe(IN_TOTO_PAYLOAD_TYPE);
      expect(Buffer.from(envelope.payload).equals(statement)).toBe(true);
    },
  },
  {
    number: 4,
    name: 'keyid-equals-hint-equals-key',
    async run({ signer }) {
      const { bundle, envelope } = await signed(signer);
      expect(envelope.keyId).toBe(signer.key.keyId);
      expect(bundle['verificationMaterial']).toMatchObject({ publicKey: { hint: signer.key.keyId } });
    },
  },
  {
    number: 5,
    name: 'signature-verifies-and-covers-every-byte',
    async run({ signer }) {
      const { envelope } = await signed(signer);
      const key = createPublicKey({ key: Buffer.from(signer.key.spki, 'base64'), format: 'der', type: 'spki' });
      const checks = (payload: Uint8Array, type = envelope.payloadType) =>
        verify('sha256', preAuthEncoding(type, payload), key, envelope.signature);
      expect(checks(statement)).toBe(true);
      expect(checks(statement, 'application/json')).toBe(false);
      for (let at = 0; at < statement.length; at++) {
        const changed = Buffer.from(statement);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(checks(changed)).toBe(false);
      }
    },
  },
  {
    number: 6,
    name: 'two-calls-differ-and-concurrent-calls-keep-apart',
    async run({ signer }) {
      const payloads = Array.from({ length: 20 }, (_, i) => Buffer.from(`{"n":${i}}`));
      const bundles = await Promise.all(payloads.map((payload) => signed(signer, payload)));
      expect(bundles.map(({ envelope }) => String(envelope.payload))).toEqual(payloads.map(String));
      const [a, b] = [await signed(signer), await signed(signer)];
      expect(a.envelope.signature).not.toEqual(b.envelope.signature);
    },
  },
  {
    number: 7,
    name: 'empty-statement-refused',
    async run({ signer }) {
      await expect(signer.sign(new Uint8Array())).rejects.toEqual(
        expect.objectContaining({ name: 'Fault', code: 'SIGNING_FAILED' }),
      );
    },
  },
];
