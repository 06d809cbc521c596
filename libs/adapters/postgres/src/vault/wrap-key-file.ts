import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '@maestro/ports';
import type { WrapKey } from '@maestro/ports';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A wrap key in a file, for development and for sites without a KMS: one key per line, base64 of 32 bytes, the newest one
 * last. Whoever has this file and a copy of the database has every data key. A file that is missing is made, mode 0600;
 * of several processes that make it at once, one wins and all use its key.
 * Fault: WRAP_KEY_UNAVAILABLE, where it cannot be read, other users can read it, or a line is no key.
 */
export function openWrapKeyFile(path: string): WrapKey {
  makeOnce(path);
  const keys = new Map(keysIn(path).map((key) => [`file:${hash('sha256', key).slice(0, 16)}`, key]));
  const keyId = [...keys.keys()].at(-1);
  if (keyId === undefined) throw unusable(path, 'it holds no key');
  return {
    keyId,
    wrap: async (key, context) => sealed(keyOf(keys, keyId, path), key, context),
    unwrap: async (id, wrapped, context) => opened(keyOf(keys, id, path), wrapped, context),
  };
}

/** nonce (12) || ciphertext || tag (16), AES-256-GCM with the context (UTF-8) as additional data. */
export function sealed(by: Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', by, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** What `sealed` was given. Fault: KEY_DAMAGED. */
export function opened(by: Uint8Array, bytes: Uint8Array, context: string): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', by, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Fault('KEY_DAMAGED', `what was wrapped for ${context} does not open under its key: restore the key vault from a backup`, { cause });
  }
}

function keyOf(keys: ReadonlyMap<string, Uint8Array>, keyId: string, path: string): Uint8Array {
  const key = keys.get(keyId);
  if (key === undefined) throw unusable(path, `it does not hold ${keyId}, which data keys are wrapped with`);
  return key;
}

function keysIn(path: string): readonly Buffer[] {
  if ((statSync(path).mode & 0o077) !== 0) throw unusable(path, 'other users can use it: chmod 600');
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line, at) => {
      const key = Buffer.from(line, 'base64');
      if (key.length !== KEY_BYTES) throw unusable(path, `line ${at + 1} is not base64 of ${KEY_BYTES} bytes`);
      return key;
    });
}

/** Whole before it has its name, and on disk before anything is wrapped with it. */
function makeOnce(path: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
    writeFileSync(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(draft, path);
    syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, 'it cannot be made or read', error);
  } finally {
    rmSync(draft, { force: true });
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function unusable(path: string, why: string, cause?: unknown): Fault {
  return new Fault('WRAP_KEY_UNAVAILABLE', `the file of wrap keys ${path} is of no use: ${why}`, { cause });
}
