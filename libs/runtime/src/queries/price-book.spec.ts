import { readFileSync } from 'node:fs';
import type { Json } from '@maestro/domain';
import { priceBookOf } from './price-book.ts';

const FILE = JSON.parse(readFileSync(new URL('../../../../policy/prices.json', import.meta.url), 'utf8')) as { [key: string]: Json };

describe('priceBookOf', () => {
  it('reads the price book of this release', () => {
    expect(priceBookOf(FILE)).toEqual({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), microUsdPerSecond: { small: 10, medium: 40, large: 160 } });
  });

  it('has another digest for other prices, and the same for another order of keys', () => {
    const { classes, ...rest } = FILE;
    const dearer = { ...FILE, classes: { ...(classes as { [key: string]: Json }), small: { microUsdPerSecond: 11 } } };

    expect(priceBookOf({ classes: classes ?? null, ...rest }).digest).toBe(priceBookOf(FILE).digest);
    expect(priceBookOf(dearer).digest).not.toBe(priceBookOf(FILE).digest);
  });

  it.each([
    ['another document', { schema: 'price-book.v2', currency: 'USD', classes: {} }],
    ['another currency', { ...FILE, currency: 'EUR' }],
    ['no classes', { schema: 'price-book.v1', currency: 'USD' }],
    ['a price that is no whole number', { ...FILE, classes: { small: { microUsdPerSecond: 0.5 }, medium: { microUsdPerSecond: 1 }, large: { microUsdPerSecond: 1 } } }],
    ['nothing', null],
  ])('refuses %s', (_name, document) => {
    expect(() => priceBookOf(document as Json)).toThrow('price book');
  });
});
