import type { ReceiptV1 } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { BUNDLE_MEDIA_TYPE, canonicalBytes } from '@maestro/receipt';
import type { Attack, AttackedSet } from './attack.ts';
import { replaced } from './attack.ts';
import { bundleBytes, closingOver, eventsOf, jsonlOf, keyIdOf, partsOf, rechained, signed, statementFor } from './forgery.ts';
import type { BundleParts } from './forgery.ts';
import type { TamperWorld } from './real-sets.ts';

const DEEP = 100_000;
/** order of the P-256 group: (r, n − s) is as good a signature as (r, s) */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The bundle's own bytes, spelled or put together another way; the statement in it is the signed one. */
function onBytes(name: string, change: (bytes: Buffer) => Buffer): Attack {
  return { name: `bundle: ${name}`, right: 'MALFORMED', make: ({ set }) => ({ files: { bundle: change(set.bundle) } }) };
}

type BundleChange = Parameters<typeof bundleBytes>[1];

function onMembers(name: string, change: BundleChange): Attack {
  return { name: `bundle: ${name}`, right: 'MALFORMED', make: ({ set }) => ({ files: { bundle: bundleBytes(partsOf(set.bundle), change) } }) };
}

function onParts(name: string, right: Attack['right'], change: (parts: BundleParts, world: TamperWorld) => BundleParts, more: Partial<Attack> & { readonly set?: AttackedSet } = {}): Attack {
  const { set: moreOfSet = {}, ...rest } = more;
  return { name: `bundle: ${name}`, right, ...rest, make: (world) => ({ ...moreOfSet, files: { bundle: bundleBytes(change(partsOf(world.set.bundle), world)) } }) };
}

/** Other spellings, other members. */
export const BUNDLE_FORM_ATTACKS: readonly Attack[] = [
  onBytes('indented', (bytes) => Buffer.from(JSON.stringify(JSON.parse(bytes.toString('utf8')), null, 2))),
  onBytes('members in another order', (bytes) => Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(bytes.toString('utf8')) as object).reverse())))),
  onBytes('a trailing line feed', (bytes) => Buffer.concat([bytes, Buffer.from('\n')])),
  onBytes('a second document behind it', (bytes) => Buffer.concat([bytes, bytes])),
  onBytes('a byte order mark', (bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes])),
  onBytes('empty', () => Buffer.alloc(0)),
  onBytes('cut in half', (bytes) => bytes.subarray(0, bytes.length / 2)),
  onBytes('a repeated payload, the true one last', (bytes) => replaced(bytes, '"payload":', '"payload":"e30=","payload":')),
  onBytes('a repeated payload, the true one first', (bytes) => replaced(bytes, ',"payloadType":', ',"payload":"e30=","payloadType":')),
  onBytes('a letter written as an escape', (bytes) => replaced(bytes, '"payload":', '"p\\u0061yload":')),
  onBytes('a member __proto__', (bytes) => replaced(bytes, '"mediaType":', '"__proto__":{},"mediaType":')),
  onBytes('as deep as a well', () => Buffer.from(`${'['.repeat(DEEP)}${']'.repeat(DEEP)}`)),
  onBytes('an unknown member as deep as a well', (bytes) => replaced(bytes, '{"dsse', `{"a":${'['.repeat(DEEP)}${']'.repeat(DEEP)},"dsse`)),
  onBytes('base64 for URLs', (bytes) => respelled(bytes, (text) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''))),
  onBytes('base64 in lines', (bytes) => respelled(bytes, (text) => text.replace(/.{76}/g, '$&\\n'))),
  onBytes('base64 without its end', (bytes) => respelled(bytes, (text) => (text.endsWith('=') ? text.replace(/=+$/, '') : `${text}=`))),
  onMembers('a second signature', (bundle) => ({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures: [...bundle.dsseEnvelope.signatures, ...bundle.dsseEnvelope.signatures] } })),
  onMembers('no signature', (bundle) => ({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures: [] } })),
  onMembers('an empty signature', (bundle) => ({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures: [{ ...bundle.dsseEnvelope.signatures[0], sig: '' }] } })),
  onMembers('no keyid', (bundle) => ({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures: [{ sig: bundle.dsseEnvelope.signatures[0]?.sig }] } })),
  onMembers('another payload type', (bundle) => ({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payloadType: 'text/plain' } })),
  onMembers('media type of another version', (bundle) => ({ ...bundle, mediaType: BUNDLE_MEDIA_TYPE.replace('v0.3', 'v0.2') })),
  onMembers('a log entry that nobody checks', (bundle) => ({ ...bundle, verificationMaterial: { ...bundle.verificationMaterial, tlogEntries: [{ logIndex: '1' }] } })),
  onMembers('a time stamp that nobody checks', (bundle) => ({ ...bundle, verificationMaterial: { ...bundle.verificationMaterial, timestampVerificationData: { rfc3161Timestamps: [] } } })),
  onMembers('a certificate instead of the hint', (bundle) => ({ ...bundle, verificationMaterial: { certificate: { rawBytes: 'MA==' } } })),
  onMembers('a message signature beside the envelope', (bundle) => ({ ...bundle, messageSignature: { signature: 'MA==' } })),
];

/** The payload's base64 written another way, everything else as it is. */
function respelled(bytes: Buffer, change: (text: string) => string): Buffer {
  const text = bytes.toString('utf8');
  const payload = partsOf(bytes).payload.toString('base64');
  const other = change(payload);
  // a payload without the letters in question is spelled with one bit of padding more instead
  return Buffer.from(text.replace(payload, other === payload ? `${payload.slice(0, -1)}%` : other));
}

/** Other signatures, other keys, other statements. */
export const SIGNATURE_ATTACKS: readonly Attack[] = [
  onParts('verdict changed, signature kept', 'TAMPERED_RECEIPT', (parts) => ({ ...parts, payload: replaced(parts.payload, '"verdict":"succeeded"', '"verdict":"cancelled"') }), { isSeenByCosign: true }),
  onParts('signature of another run', 'TAMPERED_RECEIPT', (parts, { otherSet }) => ({ ...parts, signature: partsOf(otherSet.bundle).signature }), { isSeenByCosign: true }),
  onParts('signature of zeros', 'TAMPERED_RECEIPT', (parts) => ({ ...parts, signature: Buffer.from('3006020100020100', 'hex') }), { isSeenByCosign: true }),
  onParts('signature as raw numbers', 'TAMPERED_RECEIPT', (parts) => ({ ...parts, signature: Buffer.concat(numbersOf(parts.signature).map((n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex'))) })),
  onParts('signature with a byte behind it', 'TAMPERED_RECEIPT', (parts) => ({ ...parts, signature: Buffer.concat([parts.signature, Buffer.alloc(1)]) })),
  onParts('signature with a length in long form', 'TAMPERED_RECEIPT', ({ signature, ...parts }) => ({ ...parts, signature: Buffer.concat([signature.subarray(0, 1), Buffer.of(0x81), signature.subarray(1)]) })),
  onParts('signed by a stranger, who says so', 'UNKNOWN_KEY', ({ payload }, { stranger }) => signed(payload, stranger), { isSeenByCosign: true }),
  onParts('signed by a stranger under the trusted name', 'TAMPERED_RECEIPT', ({ payload, keyId }, { stranger }) => ({ ...signed(payload, stranger), keyId }), { isSeenByCosign: true }),
  onParts('signed by another trusted key under the name of this one', 'WRONG_KEY', ({ payload, keyId }, { stranger }) => ({ ...signed(payload, stranger), keyId }), { set: { trust: 'both' } }),
  onParts('names a stranger, signed by the trusted key', 'UNKNOWN_KEY', (parts, { stranger }) => ({ ...parts, keyId: keyIdOf(stranger.privateKey) })),
  onParts('the same statement under the twin of its signature', 'VERIFIED', (parts) => ({ ...parts, signature: twinOf(parts.signature) })),
  {
    name: 'everything forged and signed by a stranger, whose key lies in the set',
    right: 'SELF_ASSERTED',
    make: (world) => ({ ...forgedBy(world), trust: 'none' }),
  },
  { name: 'the same, and the key in the set is given as the trusted one', right: 'SELF_ASSERTED', make: (world) => ({ ...forgedBy(world), trust: 'own' }) },
  { name: 'the same, but a trusted key is given', right: 'UNKNOWN_KEY', isSeenByCosign: true, make: forgedBy },
];

function forgedBy({ set, receipt, stranger }: TamperWorld): AttackedSet {
  const events = jsonlOf(rechained(eventsOf(set.events).map((event) => ({ ...event, actor: 'user:somebody-else' }))));
  const forged = closingOver({ ...receipt, requestedBy: 'user:somebody-else' }, events);
  return { files: { events, receipt: receiptBytes(forged), bundle: bundleBytes(signed(statementFor(forged, events), stranger)) }, ownKey: stranger.publicPem };
}

/** What only the holder of the trusted key could make: the signature is right, the statement is not. */
export const KEY_HOLDER_ATTACKS: readonly Attack[] = [
  byHolder('another verdict', 'REBUILD_MISMATCH', (receipt) => ({ ...receipt, verdict: 'cancelled' })),
  byHolder('another cost', 'REBUILD_MISMATCH', (receipt) => ({ ...receipt, cost: { ...receipt.cost, microUsd: receipt.cost.microUsd + 1 } })),
  byHolder('another requester', 'REBUILD_MISMATCH', (receipt) => ({ ...receipt, requestedBy: 'user:somebody-else' })),
  byHolder('a step left out', 'REBUILD_MISMATCH', (receipt) => ({ ...receipt, steps: receipt.steps.slice(1) })),
  byHolder('a policy decision left out', 'REBUILD_MISMATCH', (receipt) => ({ ...receipt, policyDecisions: receipt.policyDecisions.slice(1) })),
  byHolder('another head', 'TAMPERED_EVENT', (receipt) => ({ ...receipt, stream: { ...receipt.stream, head: `sha256:${'0'.repeat(64)}` } })),
  byHolder('another Merkle root', 'TRUNCATED_HISTORY', (receipt) => ({ ...receipt, stream: { ...receipt.stream, merkleRoot: `sha256:${'0'.repeat(64)}` } })),
  byHolder('fewer events', 'EXTRA_EVENTS', (receipt) => ({ ...receipt, stream: { ...receipt.stream, count: receipt.stream.count - 1 } })),
  byHolder('an older assembler', 'MALFORMED', (receipt) => ({ ...receipt, assembler: 'receipt.v0' }) as unknown as ReceiptV1),
  byHolder('an assembler of the future', 'MALFORMED', (receipt) => ({ ...receipt, assembler: 'receipt.v2' }) as unknown as ReceiptV1),
  byHolder('a statement about something else', 'REPLAYED_RECEIPT', (receipt) => receipt, (statement) => ({ ...statement, predicateType: 'https://slsa.dev/provenance/v1' })),
  byHolder('subjects in another order', 'MALFORMED', (receipt) => receipt, (statement) => ({ ...statement, subject: (statement['subject'] as unknown[]).toReversed() })),
  byHolder('one subject more', 'REBUILD_MISMATCH', (receipt) => receipt, (statement) => ({ ...statement, subject: [...(statement['subject'] as unknown[]), { name: 'other.txt', digest: { sha256: 'a'.repeat(64) } }] })),
  byHolder('no in-toto statement', 'MALFORMED', (receipt) => receipt, (statement) => ({ ...statement, _type: 'https://in-toto.io/Statement/v0.1' })),
  {
    name: 'right key, a history of a newer release',
    right: 'UNSUPPORTED_VERSION',
    make: ({ set, receipt, signer }) => {
      const events = jsonlOf(rechained(eventsOf(set.events).map((event) => ({ ...event, type: event.type.replace('task-scheduled.v1', 'task-scheduled.v9') }))));
      const over = closingOver(receipt, events);
      return { files: { events, receipt: receiptBytes(over), bundle: bundleBytes(signed(statementFor(over, events), signer)) } };
    },
  },
];

function byHolder(name: string, right: Attack['right'], change: (receipt: ReceiptV1) => ReceiptV1, spoil?: Parameters<typeof statementFor>[2]): Attack {
  return {
    name: `right key, ${name}`,
    right,
    make: ({ set, receipt, signer }) => {
      const changed = change(receipt);
      return { files: { receipt: receiptBytes(changed), bundle: bundleBytes(signed(statementFor(changed, set.events, spoil), signer)) } };
    },
  };
}

function receiptBytes(receipt: ReceiptV1): Buffer {
  return Buffer.from(canonicalBytes(receipt as unknown as Json));
}

/** The numbers r and s of a DER signature. */
function numbersOf(der: Buffer): readonly bigint[] {
  const lengthOfR = der.readUInt8(3);
  const r = der.subarray(4, 4 + lengthOfR);
  const s = der.subarray(6 + lengthOfR);
  return [r, s].map((bytes) => BigInt(`0x${bytes.toString('hex')}`));
}

function twinOf(der: Buffer): Buffer {
  const [r = 0n, s = 0n] = numbersOf(der);
  const numbers = [r, P256_ORDER - s].map((n) => {
    const hex = n.toString(16);
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
    const unsigned = bytes.readUInt8(0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]);
    return Buffer.concat([Buffer.of(2, unsigned.length), unsigned]);
  });
  const body = Buffer.concat(numbers);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}
