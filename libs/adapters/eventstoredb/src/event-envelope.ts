import { hash } from 'node:crypto';
import { Fault, type NewEvent } from '@maestro/ports';

// What stands beside an event's bytes, as binary metadata:
//   0x01 | 0 or 1: sealed bytes follow | id, 16 | hash, 32 | digest, 32 | sealed bytes
// The first byte is no start of JSON: the client would hand out metadata that parses as JSON as an object, not as bytes.
const FORMAT = 0x01;
const ID_AT = 2;
const HASH_AT = ID_AT + 16;
const DIGEST_AT = HASH_AT + 32;
/** Bytes that an event takes in the server beside its own and its sealed ones; twice its type comes on top. */
export const ENVELOPE_BYTES = DIGEST_AT + 32;

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
function digestOf(place: EventPlace, type: string, head: Uint8Array, sealed: Uint8Array | null): Buffer {
  const text = Buffer.from(`${place.revision} ${place.stream} ${type.length} ${sealed?.length ?? '-'} ${type}`);
  return hash('sha256', Buffer.concat([text, head, sealed ?? new Uint8Array(0)]), 'buffer');
}

/** The metadata of one event. Throws for an id that is no lower-case UUID, which is a bug of the caller. */
export function packEnvelope(place: EventPlace, e: NewEvent): Uint8Array {
  if (!UUID.test(e.id)) throw new Error(`the id of an event must be a lower-case UUID, got "${e.id}"`);
  // an exact Uint8Array: of any subclass the client would store the JSON text
  const packed = new Uint8Array(ENVELOPE_BYTES + (e.sealed?.length ?? 0));
  packed[0] = FORMAT;
  packed[1] = e.sealed === null ? 0 : 1;
  packed.set(Buffer.from(e.id.replaceAll('-', ''), 'hex'), ID_AT);
  packed.set(Buffer.from(e.hash, 'hex'), HASH_AT);
  packed.set(digestOf(place, e.type, packed.subarray(0, DIGEST_AT), e.sealed), DIGEST_AT);
  if (e.sealed !== null) packed.set(e.sealed, ENVELOPE_BYTES);
  return packed;
}

/** What the client hands out of a stored event: bytes, or whatever it made of JSON. */
export type RawEvent = { readonly type: string; readonly data: unknown; readonly metadata?: unknown };

const damaged = (place: EventPlace, what: string): Fault =>
  new Fault('STORE_DAMAGED', `event ${place.revision} of ${place.stream} ${what}; restore a backup`);

/** Proves one event. Fault: STORE_DAMAGED, which names stream and revision. */
export function unpackEnvelope(place: EventPlace, raw: RawEvent): NewEvent {
  const { data, metadata } = raw;
  if (!(data instanceof Uint8Array) || !(metadata instanceof Uint8Array)) throw damaged(place, 'was not written by this program');
  if (metadata.length < ENVELOPE_BYTES || metadata[0] !== FORMAT) throw damaged(place, 'has no envelope of this program');
  const sealed = metadata[1] === 0 ? null : metadata.slice(ENVELOPE_BYTES);
  if (sealed === null && metadata.length > ENVELOPE_BYTES) throw damaged(place, 'has more bytes than were written');
  const head = metadata.subarray(0, DIGEST_AT);
  const digest = metadata.subarray(DIGEST_AT, ENVELOPE_BYTES);
  if (!digestOf(place, raw.type, head, sealed).equals(digest)) throw damaged(place, 'does not match its digest');
  const stored = Buffer.from(metadata.subarray(HASH_AT, DIGEST_AT));
  if (!eventHash(data).equals(stored)) throw damaged(place, 'does not match its hash');
  const hex = Buffer.from(metadata.subarray(ID_AT, HASH_AT)).toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, type: raw.type, bytes: data, hash: stored.toString('hex'), sealed };
}
