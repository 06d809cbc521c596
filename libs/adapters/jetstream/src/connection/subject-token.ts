const PLAIN = /^[a-zA-Y0-9_-]+$/;
const ESCAPE = 'Z';

/**
 * Any id as one token of a subject, of `[A-Za-z0-9_-]` only: the server takes `*` literally, and a dot as the begin of
 * another token. Letters, digits, `_` and `-` stay as they are; every other byte of UTF-8, and `Z`, becomes `Z` and two
 * hex digits. Different ids give different tokens.
 */
export function subjectToken(id: string): string {
  if (PLAIN.test(id)) return id;
  if (id === '') return ESCAPE;
  return [...Buffer.from(id, 'utf8')].map((byte) => (PLAIN.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escaped(byte))).join('');
}

const escaped = (byte: number): string => `${ESCAPE}${byte.toString(16).padStart(2, '0')}`;

/** The id of a token; undefined for what `subjectToken` never makes. */
export function idOfToken(token: string): string | undefined {
  if (token === ESCAPE) return '';
  if (!/^(?:[a-zA-Y0-9_-]|Z[0-9a-f]{2})+$/.test(token)) return undefined;
  const bytes = token.match(/Z[0-9a-f]{2}|./g)?.map((part) => (part.length === 3 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0))) ?? [];
  const id = Buffer.from(bytes).toString('utf8');
  return subjectToken(id) === token ? id : undefined;
}
