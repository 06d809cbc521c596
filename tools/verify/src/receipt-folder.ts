import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RECEIPT_FILES } from '@maestro/receipt';
import type { ReceiptSet } from '@maestro/receipt';
import { pemKey } from './p256.ts';
import { VerifyError } from './verify-error.ts';

/** Bytes of one file at most; `events.jsonl` as stock cosign caps it. What is larger counts as missing. */
export const FILE_BYTES_MAX = { events: 128 * 1024 * 1024, other: 32 * 1024 * 1024 } as const;

/** A key that lies in the set; read only to say that it proves nothing. */
const OWN_KEY_FILE = 'key.pub';

/** Reads the files of a set, by their fixed names and inside the folder only. VerifyError NO_INPUT: no such folder. */
export async function readReceiptFolder(folder: string): Promise<ReceiptSet> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new VerifyError('NO_INPUT', `${folder} is not a folder; give the folder of an exported receipt set`);
  const [bundle, events, manifest, receipt, ownKey] = await Promise.all([
    readPlainFile(join(folder, RECEIPT_FILES.bundle), FILE_BYTES_MAX.other),
    readPlainFile(join(folder, RECEIPT_FILES.events), FILE_BYTES_MAX.events),
    readPlainFile(join(folder, RECEIPT_FILES.manifest), FILE_BYTES_MAX.other),
    readPlainFile(join(folder, RECEIPT_FILES.receipt), FILE_BYTES_MAX.other),
    readPlainFile(join(folder, OWN_KEY_FILE), FILE_BYTES_MAX.other),
  ]);
  return { bundle, events, manifest, receipt, ownKeyId: ownKey === undefined ? null : (pemKey(ownKey)?.keyId ?? null) };
}

/** Undefined: not there, too large, or no plain file. A link could lead out of the folder, so it is none. */
async function readPlainFile(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= bytesMax ? await file.readFile() : undefined;
  } finally {
    await file.close();
  }
}
