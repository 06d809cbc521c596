import { problem } from '../problem/problem-error.ts';
import { headerOf } from './exchange.ts';
import type { HttpRequest } from './exchange.ts';

type Range = { readonly type: string; readonly quality: number };

/** Ranges of one Accept header; further ones are not read. */
const RANGES_MAX = 32;

/**
 * The media type to answer with, by `Accept` (RFC 9110 12.5.1): highest quality first; of two alike the one that is
 * named over the one that a wildcard lets in, then in the order of offering. No header: the first. NOT_ACCEPTABLE where
 * nothing that is offered is accepted.
 */
export function negotiate<const T extends string>(request: Pick<HttpRequest, 'headers'>, offered: readonly [T, ...T[]]): T {
  const accept = headerOf(request, 'accept');
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',', RANGES_MAX).map(rangeOf);
  let best: { readonly type: T; readonly quality: number; readonly rank: number } | undefined;
  for (const type of offered) {
    const { quality, rank } = matchOf(type, ranges);
    if (quality > 0 && (best === undefined || quality > best.quality || (quality === best.quality && rank > best.rank))) best = { type, quality, rank };
  }
  if (best === undefined) throw problem('NOT_ACCEPTABLE', `this is offered as ${offered.join(', ')}`);
  return best.type;
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.map((parameter) => /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameter)?.[1]).find((value) => value !== undefined);
  return { type, quality: quality === undefined ? 1 : Number(quality) };
}

/** The most specific range that lets a type in decides its quality. */
function matchOf(type: string, ranges: readonly Range[]): { readonly quality: number; readonly rank: number } {
  const names = ['*/*', `${type.split('/')[0]}/*`, type.toLowerCase()];
  for (let rank = names.length - 1; rank >= 0; rank--) {
    const found = ranges.find((range) => range.type === names[rank]);
    if (found !== undefined) return { quality: found.quality, rank };
  }
  return { quality: 0, rank: -1 };
}
