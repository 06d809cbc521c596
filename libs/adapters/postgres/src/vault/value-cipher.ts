import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { Fault } from '@maestro/ports';
import type { Ciphertext, DataKeyId } from '@maestro/ports';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** worked on between two turns of the event loop: about a millisecond */
const SLICE_BYTES = 1 << 20;

/** nonce (12) || ciphertext || tag (16), as the port has it. */
export async function sealValue(key: KeyObject, eventId: string, plaintext: Uint8Array): Promise<Ciphertext> {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(eventId));
  const parts = await inSlices(plaintext, (slice) => cipher.update(slice));
  return Buffer.concat([nonce, ...parts, cipher.final(), cipher.getAuthTag()]);
}

/** Fault: SEAL_DAMAGED. */
export async function openValue(key: KeyObject, keyId: DataKeyId, eventId: string, ciphertext: Ciphertext): Promise<Uint8Array> {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, ciphertext.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(eventId)).setAuthTag(ciphertext.subarray(-TAG_BYTES));
    const parts = await inSlices(ciphertext.subarray(NONCE_BYTES, -TAG_BYTES), (slice) => decipher.update(slice));
    return Buffer.concat([...parts, decipher.final()]);
  } catch (cause) {
    throw new Fault('SEAL_DAMAGED', `the ciphertext of event ${eventId} does not open under key ${keyId}`, { cause });
  }
}

async function inSlices(bytes: Uint8Array, change: (slice: Uint8Array) => Buffer): Promise<readonly Buffer[]> {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await immediate();
    parts.push(change(bytes.subarray(at, at + SLICE_BYTES)));
  }
  return parts;
}
