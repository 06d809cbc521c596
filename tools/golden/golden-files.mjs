// Append-only files: what exists is never written again, and what would come out otherwise is a finding.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../contracts/golden/', import.meta.url));

export class GoldenFiles {
  written = [];
  changed = [];

  /** Writes a missing file; an existing one must hold the same bytes. */
  keep(path, bytes) {
    if (!this.has(path)) this.#write(path, bytes);
    else if (!readFileSync(join(root, path)).equals(Buffer.from(bytes))) this.changed.push(path);
  }

  /** For what is randomised (keys, signatures): answers the file's bytes, made now only if there is no such file. */
  async once(path, make) {
    if (!this.has(path)) this.#write(path, await make());
    return readFileSync(join(root, path));
  }

  has(path) {
    return existsSync(join(root, path));
  }

  #write(path, bytes) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes, { flag: 'wx' });
    this.written.push(path);
  }
}

export const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
