import { join } from 'node:path';
import type { MovedKey } from '@maestro/ports';
import { EXPORT_FILES } from './export-manifest.ts';
import { readJsonLines } from './json-lines.ts';

/** One line: the key in base64; null: it was destroyed. */
export function dataKeyLine({ keyId, key }: MovedKey): object {
  return { keyId, key: key === null ? null : Buffer.from(key).toString('base64') };
}

/** The data keys of an export. Errors: a line that is none. */
export function readDataKeyLines(folder: string): AsyncGenerator<MovedKey> {
  return readJsonLines(join(folder, EXPORT_FILES.dataKeys), (line) => {
    const { keyId, key } = line as { readonly keyId?: unknown; readonly key?: unknown };
    const bytes = typeof key === 'string' ? Uint8Array.from(Buffer.from(key, 'base64')) : null;
    if (typeof keyId !== 'string' || !/^[a-z0-9-]{8,64}$/.test(keyId) || (bytes === null ? key !== null : bytes.length !== 32)) throw new SyntaxError('a line is no data key');
    return { keyId, key: bytes };
  });
}
