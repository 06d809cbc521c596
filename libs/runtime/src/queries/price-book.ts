import type { Prices } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { canonicalText, sha256 } from '@maestro/receipt';

/** What a second of each runner class costs; pinned into every run by its digest. */
export type PriceBook = Prices;

const CLASSES = ['small', 'medium', 'large'] as const;

/**
 * Reads the document `price-book.v1` (policy/prices.json). The digest is over its canonical JSON.
 * Throws where it is not one: a deployment without prices must not start.
 */
export function priceBookOf(document: Json): PriceBook {
  const { schema, currency, classes } = (document ?? {}) as { readonly schema?: Json; readonly currency?: Json; readonly classes?: Json };
  if (schema !== 'price-book.v1' || currency !== 'USD') throw new Error('the price book is not a price-book.v1 in USD');
  const prices = CLASSES.map((name) => [name, priceOf(classes, name)] as const);
  const microUsdPerSecond = Object.fromEntries(prices) as Prices['microUsdPerSecond'];
  return { digest: sha256(canonicalText(document)), microUsdPerSecond };
}

function priceOf(classes: Json | undefined, name: string): number {
  const entry = (classes as { readonly [name: string]: { readonly microUsdPerSecond?: Json } | undefined } | null | undefined)?.[name];
  const price = entry?.microUsdPerSecond;
  if (typeof price === 'number' && Number.isSafeInteger(price) && price >= 0) return price;
  throw new Error(`the price book has no whole, non-negative microUsdPerSecond for class ${name}`);
}
