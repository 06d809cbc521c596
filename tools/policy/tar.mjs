// Reads the regular files of a .tar.gz, as the compiler writes its bundles (ustar, short names).
import { gunzipSync } from 'node:zlib';

const BLOCK_BYTES = 512;

/** Content by path, as stored (with the leading slash). */
export function readTarGz(bytes) {
  const tar = gunzipSync(bytes);
  const files = new Map();
  for (let at = 0; at + BLOCK_BYTES <= tar.length && tar[at] !== 0;) {
    const name = field(tar, at, 100);
    const sizeBytes = Number.parseInt(field(tar, at + 124, 12), 8);
    files.set(name, tar.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + sizeBytes));
    at += BLOCK_BYTES + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}

function field(tar, start, length) {
  const end = tar.indexOf(0, start);
  return tar.toString('utf8', start, Math.min(end < 0 ? start + length : end, start + length)).trim();
}
