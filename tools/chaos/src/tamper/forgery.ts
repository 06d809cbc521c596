import { createPublicKey, sign } from 'node:crypto';
import type { ReceiptV1, StoredEventV1 } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import {
  BUNDLE_MEDIA_TYPE,
  IN_TOTO_PAYLOAD_TYPE,
  ZERO_HASH,
  canonicalBytes,
  canonicalText,
  digestOf,
  eventHash,
  eventId,
  eventsJsonl,
  merkleRoot,
  openSSHFingerprint,
  preAuthEncoding,
  sha256,
  statementOf,
} from '@maestro/receipt';
import type { SigningKey } from './real-sets.ts';

/** Lines of `events.jsonl` as objects. */
export function eventsOf(jsonl: Buffer): StoredEventV1[] {
  return jsonl.toString('utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as StoredEventV1);
}

/** The bytes of such a file, each event as it is. */
export function jsonlOf(events: readonly StoredEventV1[]): Buffer {
  return Buffer.from(eventsJsonl(events.map((event) => canonicalBytes(event as unknown as Json))));
}

/** A history that holds in itself: revisions, ids and chain made anew over whatever the events say. */
export function rechained(events: readonly StoredEventV1[]): StoredEventV1[] {
  const indexes = new Map<string, number>();
  let prev = ZERO_HASH;
  return events.map(({ id: _, ...event }, revision) => {
    const index = indexes.get(event.commandId) ?? 0;
    indexes.set(event.commandId, index + 1);
    const rest = { ...event, revision, prev };
    const made = { ...rest, id: eventId(rest.stream, rest.commandId, index, sha256(canonicalText(rest as unknown as Json))) } as StoredEventV1;
    prev = eventHash(canonicalBytes(made as unknown as Json));
    return made;
  });
}

/** A receipt that says it closes over this history, whatever else it says. */
export function closingOver(receipt: ReceiptV1, jsonl: Buffer): ReceiptV1 {
  const hashes = jsonl.toString('utf8').trimEnd().split('\n').map((line) => eventHash(Buffer.from(line)));
  const [first = ZERO_HASH, ...rest] = hashes;
  const head = digestOf(hashes.at(-1) ?? ZERO_HASH);
  const last = hashes.length - 1;
  return {
    ...receipt,
    digests: { ...receipt.digests, events: digestOf(sha256(jsonl)) },
    stream: { ...receipt.stream, count: hashes.length, last, head, merkleRoot: digestOf(merkleRoot([first, ...rest])), terminal: { ...receipt.stream.terminal, revision: last, digest: head } },
  };
}

/** The statement over a receipt, as the format wants it; `change` may spoil it. */
export function statementFor(receipt: ReceiptV1, jsonl: Buffer, change: (statement: { [member: string]: unknown }) => object = (same) => same): Buffer {
  const receiptDigest = sha256(canonicalBytes(receipt as unknown as Json));
  const manifestDigest = receipt.digests.manifest.slice('sha256:'.length);
  const statement = statementOf(receipt, { receiptDigest, eventsDigest: sha256(jsonl), manifestDigest });
  return Buffer.from(canonicalBytes(change({ ...statement }) as Json));
}

/** Members of a bundle, before they are written. */
export type BundleParts = { readonly payload: Buffer; readonly signature: Buffer; readonly keyId: string };

/** Signs a payload as the conductor does. */
export function signed(payload: Buffer, { privateKey }: SigningKey): BundleParts {
  return { payload, signature: sign('sha256', preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload), privateKey), keyId: keyIdOf(privateKey) };
}

/** The fingerprint that verifiers know a key by. */
export function keyIdOf(key: SigningKey['privateKey']): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  return openSSHFingerprint(spki) ?? '';
}

type BundleObject = {
  readonly dsseEnvelope: { readonly payload: string; readonly payloadType: string; readonly signatures: readonly { readonly keyid?: string; readonly sig: string }[] };
  readonly mediaType: string;
  readonly verificationMaterial: { readonly [member: string]: unknown };
};

/** A bundle as an object, in the one form that receipts have. */
export function bundleObject({ payload, signature, keyId }: BundleParts): BundleObject {
  return {
    dsseEnvelope: { payload: payload.toString('base64'), payloadType: IN_TOTO_PAYLOAD_TYPE, signatures: [{ keyid: keyId, sig: signature.toString('base64') }] },
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: keyId }, timestampVerificationData: {} },
  };
}

/** The bytes of a bundle; `change` may spoil the object first. */
export function bundleBytes(parts: BundleParts, change: (bundle: BundleObject) => object = (same) => same): Buffer {
  return Buffer.from(canonicalBytes(change(bundleObject(parts)) as Json));
}

/** Takes a bundle apart without checking anything. */
export function partsOf(bundle: Buffer): BundleParts {
  const { dsseEnvelope } = JSON.parse(bundle.toString('utf8')) as BundleObject;
  const [only] = dsseEnvelope.signatures;
  return { payload: Buffer.from(dsseEnvelope.payload, 'base64'), signature: Buffer.from(only?.sig ?? '', 'base64'), keyId: only?.keyid ?? '' };
}
