import fc from 'fast-check';
import { fromStoredText, toStoredText } from './postgres-text.ts';

const text = fc.string({ unit: fc.constantFrom('\u0000', '\u0001', '\u0002', 'a', 'é', '😀'), maxLength: 12 });
const order = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('text that Postgres holds', () => {
  it('has no U+0000, and comes back as it was', () => {
    fc.assert(
      fc.property(text, (one) => {
        expect(toStoredText(one)).not.toContain('\u0000');
        expect(fromStoredText(toStoredText(one))).toBe(one);
      }),
      { seed: 20_260_105 },
    );
  });

  it('stands in the order of what was given, and begins as it began', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(order(toStoredText(a), toStoredText(b))).toBe(order(a, b));
        expect(toStoredText(`${a}${b}`).startsWith(toStoredText(a))).toBe(true);
      }),
      { seed: 20_260_105 },
    );
  });
});
