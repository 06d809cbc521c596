/** A key that one object holds twice, and where its second occurrence begins (character offset). */
export type DuplicateKey = { readonly key: string; readonly offset: number };

/**
 * First duplicate key of a text that `JSON.parse` accepted: the parser itself keeps the last value in silence.
 * Linear and iterative; strings are skipped by their quotes, everything else is punctuation.
 */
export function findDuplicateKey(text: string): DuplicateKey | undefined {
  // one entry per open container: the keys of an object (a set from the second on), null for an array
  const open: (Set<string> | string | undefined | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
        open.push(undefined);
        break;
      case '[':
        open.push(null);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (open.length > 0 && keys !== null && isKey(text, end)) {
          const key = keyAt(text, at, end);
          if (typeof keys === 'object' ? keys.has(key) : keys === key) return { key, offset: at };
          if (typeof keys === 'object') keys.add(key);
          else open[open.length - 1] = keys === undefined ? key : new Set([keys, key]);
        }
        at = end;
        break;
      }
    }
  }
  return undefined;
}

/** Index of the closing quote: the next one behind an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

/** A string of an object is a key where a colon follows. */
function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at += 1;
  return text[at] === ':';
}

function keyAt(text: string, start: number, end: number): string {
  const raw = text.slice(start, end + 1);
  return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
}
