import type { AnyEvent } from '@maestro/contracts';
import { escapePointer } from '@maestro/domain';
import type { Json } from '@maestro/domain';
import { commit, opens } from '@maestro/receipt';
import type { OpenedPlace } from '@maestro/receipt';

/** Values that a commit will seal, by commitment: made before deciding, found again in the events that carry them. */
export type Secrets = ReadonlyMap<string, OpenedPlace>;

/** Commits to a value for a place of an event and keeps what opens it. `salt`: 32 hex characters. */
export function seal(secrets: Map<string, OpenedPlace>, pointer: string, salt: string, value: Json): { commitment: string } {
  const commitment = commit(salt, pointer, value);
  secrets.set(commitment, [pointer, salt, value]);
  return { commitment };
}

/** A sealed place of an event: `data` holds `{commitment}` at `pointer`. */
export type SealedPlace = { readonly pointer: string; readonly commitment: string };

/** All sealed places of an event, in document order. */
export function sealedPlacesOf(event: AnyEvent): readonly SealedPlace[] {
  const found: SealedPlace[] = [];
  collect(event.data as unknown as Json, '', found);
  return found;
}

function collect(value: Json, pointer: string, found: SealedPlace[]): void {
  if (value === null || typeof value !== 'object') return;
  const { commitment } = value as { readonly commitment?: Json };
  if (typeof commitment === 'string') found.push({ pointer, commitment });
  for (const [key, child] of Object.entries(value)) collect(child as Json, `${pointer}/${escapePointer(key)}`, found);
}

/** What one event seals: the opened places whose commitments it carries. A secret at another pointer is a bug. */
export function openedPlacesOf(event: AnyEvent, secrets: Secrets): readonly OpenedPlace[] {
  return sealedPlacesOf(event).flatMap(({ pointer, commitment }) => {
    const opened = secrets.get(commitment);
    if (opened === undefined) return [];
    if (opened[0] !== pointer) throw new Error(`${event.type} carries at ${pointer} what was sealed for ${opened[0]}`);
    return [opened];
  });
}

const SEALED_BYTES_MIN = 256;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Plaintext of one ciphertext: the places as JSON, padded with spaces to a power of two, so that no length shows. */
export function encodePlaces(places: readonly OpenedPlace[]): Uint8Array {
  const text = encoder.encode(JSON.stringify(places));
  let size = SEALED_BYTES_MIN;
  while (size < text.length) size *= 2;
  const padded = new Uint8Array(size).fill(0x20);
  padded.set(text);
  return padded;
}

/** Reads what `encodePlaces` wrote. */
export function decodePlaces(plaintext: Uint8Array): readonly OpenedPlace[] {
  return JSON.parse(decoder.decode(plaintext)) as readonly OpenedPlace[];
}

/** One ciphertext per subject key. */
export type SealedPart = { readonly keyId: string; readonly ciphertext: Uint8Array };

/** Bytes that stand beside an event: its ciphertexts and the names of their keys. */
export function encodeSealed(parts: readonly SealedPart[]): Uint8Array {
  return encoder.encode(
    JSON.stringify(parts.map(({ keyId, ciphertext }) => ({ key: keyId, text: Buffer.from(ciphertext).toString('base64') }))),
  );
}

export function decodeSealed(bytes: Uint8Array): readonly SealedPart[] {
  const parts = JSON.parse(decoder.decode(bytes)) as readonly { readonly key: string; readonly text: string }[];
  return parts.map(({ key, text }) => ({ keyId: key, ciphertext: Buffer.from(text, 'base64') }));
}

/** The value at a pointer among opened places, checked against the commitment in the event; undefined: not there, or not it. */
export function openedValue(places: readonly OpenedPlace[], pointer: string, commitment: string): { readonly value: Json } | undefined {
  const place = places.find(([at]) => at === pointer);
  return place !== undefined && opens(commitment, place) ? { value: place[2] } : undefined;
}
