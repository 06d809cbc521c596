import { readFileSync } from 'node:fs';

/** A secret that came from a file or the environment; whatever prints it by mistake prints where it came from. */
export class SecretText {
  readonly #text: string;
  readonly source: string;

  constructor(text: string, source: string) {
    this.#text = text;
    this.source = source;
  }

  reveal(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  toString(): string {
    return `(secret of ${this.source})`;
  }
}

/** bytes: keys, connection strings and credentials files are far smaller */
const SECRET_BYTES_MAX = 65_536;

/** The text of a file without the white space around it. The reason, where there is none; it never quotes the text. */
export function readSecret(path: string): SecretText | { readonly fault: string } {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > SECRET_BYTES_MAX) return { fault: `${path} is ${bytes.length} bytes; a secret has at most ${SECRET_BYTES_MAX}` };
    const text = bytes.toString('utf8').trim();
    return text === '' ? { fault: `${path} is empty` } : new SecretText(text, path);
  } catch (error) {
    return { fault: `${path} cannot be read (${String((error as { readonly code?: unknown }).code ?? 'unknown')}); name a file that exists` };
  }
}
