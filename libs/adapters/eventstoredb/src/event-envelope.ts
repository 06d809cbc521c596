import { hash } from 'node:crypto';
import { Fault, type NewEvent } from '@maestro/ports';

// The data of a stored event:
//   0x01 | 0 or 1: it has sealed bytes | id, 16 | hash, 32 | digest, 32 | number of sealed bytes, 4 | sealed bytes | bytes
// There are no metadata: the client tries to parse them as JSON, which costs as much as all else that it does with an event.
const FORMAT = 0x01;
const ID_AT = 2;
const HASH_AT = ID_AT + 16;
const DIGEST_AT = HASH_AT + 32;
const SEALED_SIZE_AT = DIGEST_AT + 32;
/** Bytes that an event takes in the server beside its own and its sealed ones; twice its type comes on top. */
export const ENVELOPE_BYTES = SEALED_SIZE_AT + 4;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where an event stands: part of its digest, so that one that was copied elsewhere is no event. */
export type EventPlace = { readonly stream: string; readonly revision: bigint };

/** 32 bytes: SHA-256(0x00 || bytes). */
export function eventHash(bytes: Uint8Array): Buffer {
  const prefixed = new Uint8Array(bytes.length + 1);
  prefixed.set(bytes, 1);
  return hash('sha256', prefixed, 'buffer');
}

/** Over everything that the hash of the event does not cover. Lengths come first: no two events have the same text. */
function digestOf(place: EventPlace, type: string, head: Uint8Array, sealed: Uint8Array): Buffer {
  const text = Buffer.from(`${place.revision} ${place.stream} ${type.length} ${sealed.length} ${type}`);
  return hash('sha256', Buffer.concat([text, head, sealed]), 'buffer');
}

/** The data of one event. Throws for an id that is no lower-case UUID, which is a bug of the caller. */
export function packEnvelope(place: EventPlace, e: NewEvent): Uint8Array {
  if (!UUID.test(e.id)) throw new Error(`the id of an event must be a lower-case UUID, got "${e.id}"`);
  const sealed = e.sealed ?? new Uint8Array(0);
  const packed = new Uint8Array(ENVELOPE_BYTES + sealed.length + e.bytes.length);
  packed[0] = FORMAT;
  packed[1] = e.sealed === null ? 0 : 1;
  packed.set(Buffer.from(e.id.replaceAll('-', ''), 'hex'), ID_AT);
  packed.set(Buffer.from(e.hash, 'hex'), HASH_AT);
  packed.set(digestOf(place, e.type, packed.subarray(0, DIGEST_AT), sealed), DIGEST_AT);
  new DataView(packed.buffer).setUint32(SEALED_SIZE_AT, sealed.length);
  packed.set(sealed, ENVELOPE_BYTES);
  packed.set(e.bytes, ENVELOPE_BYTES + sealed.length);
  return packed;
}

/** What the client hands out of a stored event: bytes, or whatever it made of JSON. */
export type RawEvent = { readonly type: string; readonly data: unknown };

const damaged = (place: EventPlace, what: string): Fault =>
  new Fault('STORE_DAMAGED', `event ${place.revision} of ${place.stream} ${what}; restore a backup`);

/** Proves one event. Fault: STORE_DAMAGED, which names stream and revision. */
export function unpackEnvelope(place: EventPlace, raw: RawEvent): NewEvent {
  const { data } = raw;
  if (!(data instanceof Uint8Array)) throw damaged(place, 'was not written by this program');
  if (data.length < ENVELOPE_BYTES || data[0] !== FORMAT) throw damaged(place, 'has no envelope of this program');
  const sealedSize = new DataView(data.buffer, data.byteOffset).getUint32(SEALED_SIZE_AT);
  const bytesAt = ENVELOPE_BYTES + sealedSize;
  if (bytesAt > data.length || (data[1] === 0 && sealedSize > 0)) throw damaged(place, 'has sizes that do not fit');
  const sealed = data.subarray(ENVELOPE_BYTES, bytesAt);
  const digest = data.subarray(DIGEST_AT, SEALED_SIZE_AT);
  if (!digestOf(place, raw.type, data.subarray(0, DIGEST_AT), sealed).equals(digest)) throw damaged(place, 'does not match its digest');
  const stored = Buffer.from(data.subarray(HASH_AT, DIGEST_AT));
  const bytes = data.subarray(bytesAt);
  if (!eventHash(bytes).equals(stored)) throw damaged(place, 'does not match its hash');
  const hex = Buffer.from(data.subarray(ID_AT, HASH_AT)).toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, type: raw.type, bytes, hash: stored.toString('hex'), sealed: data[1] === 0 ? null : sealed };
}
