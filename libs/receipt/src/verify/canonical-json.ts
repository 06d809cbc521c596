import type { Json } from '@maestro/domain';
import { canonicalText, findUnrepresentable } from '../canonical.ts';

// A byte order mark is content here, not decoration: two spellings of one document are one too many.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A parsed document, or what is wrong with its bytes. */
export type CanonicalJson = { readonly value: Json } | { readonly problem: string };

/**
 * Reads bytes that must be RFC 8785 canonical JSON. Whatever else says the same (white space, key order, repeated keys,
 * other number spellings) is a problem: what is signed and hashed has exactly one spelling.
 */
export function readCanonicalJson(bytes: Uint8Array): CanonicalJson {
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return { problem: 'not JSON in UTF-8' };
  }
  const unrepresentable = findUnrepresentable(value);
  if (unrepresentable !== undefined) return { problem: `holds ${unrepresentable.reason} at "${unrepresentable.pointer}"` };
  return canonicalText(value as Json) === text ? { value: value as Json } : { problem: 'not in canonical form (RFC 8785)' };
}
