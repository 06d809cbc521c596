import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { Fault } from '@maestro/ports';
import { replaceFile } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';

/** 256 bits, as 43 characters of base64url. */
const TOKEN_BYTES = 32;
const FORM = /^[A-Za-z0-9_-]{43}$/;

/**
 * The token that clients of this data folder send; made at the first start that needs it, readable by its owner only.
 * KEY_DAMAGED: the file holds something else, or others could read it: its secret is one no more.
 */
export function openAccessToken({ token: path }: Pick<DataFolder, 'token'>): string {
  const found = readToken(path);
  if (found !== undefined) return found;
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  replaceFile(path, `${token}\n`);
  chmodSync(path, 0o600);
  return token;
}

/** Undefined: there is none. Fault: KEY_DAMAGED. */
export function readToken(path: string): string | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return undefined;
  if ((mode & 0o077) !== 0) throw new Fault('KEY_DAMAGED', `${path} can be read by others (mode ${(mode & 0o777).toString(8)}): delete it; the next start makes a new token`);
  const token = readFileSync(path, 'utf8').trim();
  if (!FORM.test(token)) throw new Fault('KEY_DAMAGED', `${path} holds no token: delete it; the next start makes a new one`);
  return token;
}
