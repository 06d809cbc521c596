import { canonicalText } from './canonical.ts';
import { sha256 } from './chain.ts';
import type { Json } from '@maestro/domain';

/** What stands in an event where a sealed value belongs. */
export type Commitment = { readonly commitment: string };

/** One opened (or not yet sealed) place of an event: where, with which salt (32 hex), what. */
export type OpenedPlace = readonly [pointer: string, salt: string, value: Json];

/** SHA-256(RFC 8785([salt, pointer, value])); `salt` is 128 random or derived bits in hex, `pointer` RFC 6901 within `data`. */
export function commit(salt: string, pointer: string, value: Json): string {
  return sha256(canonicalText([salt, pointer, value]));
}

/** Whether an opened place is what the event committed to. */
export function opens(commitment: string, [pointer, salt, value]: OpenedPlace): boolean {
  return commit(salt, pointer, value) === commitment;
}
