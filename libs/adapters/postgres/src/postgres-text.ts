const ESCAPED: Readonly<Record<string, string>> = { '\u0000': '\u0001\u0001', '\u0001': '\u0001\u0002' };
const UNESCAPED: Readonly<Record<string, string>> = { '\u0001\u0001': '\u0000', '\u0001\u0002': '\u0001' };

/**
 * Text as Postgres can hold it, which has no U+0000: `\0` becomes `\1\1`, and `\1` becomes `\1\2`. Different texts stay
 * different, and in the same order.
 */
export function toStoredText(text: string): string {
  return /[\u0000\u0001]/.test(text) ? text.replace(/[\u0000\u0001]/g, (char) => ESCAPED[char] ?? char) : text;
}

/** What `toStoredText` was given. */
export function fromStoredText(stored: string): string {
  return stored.includes('\u0001') ? stored.replace(/\u0001[\u0001\u0002]/g, (pair) => UNESCAPED[pair] ?? pair) : stored;
}
